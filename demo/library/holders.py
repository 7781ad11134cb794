"""A program that has worked with the library for a while: what it holds, and a question for each thing held.

Run as `holders.py FOLDER` it answers the questions from a fresh start on the release in that folder.
"""

import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass
class Held:
    """Something taken from the library, or made by it, and a question whose answer depends on the release."""

    what: str
    question: str
    ask: Callable[[], object]
    # Is it, or its class, still the very object that the library has? None where it forwards to a new one.
    is_theirs: Callable[[], bool] | None

    def answer(self) -> str:
        """The answer as text; an exception is an answer, too."""
        try:
            return str(self.ask())
        except Exception as error:
            return type(error).__name__


def hold() -> list[Held]:
    """Imports the library as programs do, and keeps hold of all sorts of things."""
    import sqlparse

    return [*_functions(sqlparse), *_instances(sqlparse), *_classes_and_tables(sqlparse)]


def _functions(library: Any) -> list[Held]:
    from sqlparse import split
    from sqlparse.engine.grouping import group_order

    split_tidily = partial(split, strip_semicolon=True)
    commands = {"parse": library.parse}
    nested = library.parse("(select a from t order by a desc)")[0]
    return [
        Held(
            "function, from-imported",
            r"split('select 1\nGO\nselect 2')",
            lambda: f"{len(split('select 1\nGO\nselect 2'))} statements",
            lambda: split is library.split,
        ),
        Held(
            "partial of it",
            "new option strip_semicolon=True",
            lambda: split_tidily("select 1; select 2;"),
            lambda: split_tidily.func is library.split,
        ),
        Held(
            "entry of a dispatch table",
            "type of 'truncate table t'",
            lambda: commands["parse"]("truncate table t")[0].get_type(),
            lambda: commands["parse"] is library.parse,
        ),
        Held(
            "function, decorated from now on",
            "groups 'a desc' in a nested query",
            lambda: _groups(group_order, nested, "a desc"),
            None,
        ),
    ]


def _instances(library: Any) -> list[Held]:
    call = library.parse("age(date '2020-01-01')")[0].tokens[0]
    parameters = call.get_parameters
    deep = library.parse("(" * 200 + "1" + ")" * 200)[0]
    return [
        Held(
            "instance: a parsed call",
            "has it the new method get_window",
            lambda: hasattr(call, "get_window"),
            lambda: type(call) is library.sql.Function,
        ),
        Held(
            "bound method of that call",
            "parameters of age(date '2020-01-01')",
            lambda: [str(parameter) for parameter in parameters()],
            lambda: parameters.__func__ is library.sql.Function.get_parameters,
        ),
        Held(
            "instance: nested 200 deep",
            "flatten() too deep (CVE-2024-4340)",
            lambda: _with_little_stack(lambda: list(deep.flatten())),
            lambda: type(deep) is library.sql.Statement,
        ),
    ]


def _classes_and_tables(library: Any) -> list[Held]:
    from sqlparse.engine import FilterStack
    from sqlparse.keywords import KEYWORDS_COMMON
    from sqlparse.lexer import Lexer

    class Tidy(FilterStack):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(strip_semicolon=True)

    default_lexer = Lexer.get_default_instance
    return [
        Held(
            "subclass, by way of super()",
            "Tidy().run('select 1;')",
            lambda: "".join(map(str, Tidy().run("select 1;"))),
            lambda: Tidy.__base__ is library.engine.FilterStack,
        ),
        Held(
            "bound classmethod",
            "how its lexer reads QUALIFY",
            lambda: next(default_lexer().get_tokens("QUALIFY"))[0],
            lambda: default_lexer.__self__ is library.lexer.Lexer,
        ),
        Held(
            "table, from-imported",
            "KEYWORDS_COMMON.get('GRANT')",
            lambda: KEYWORDS_COMMON.get("GRANT"),
            lambda: KEYWORDS_COMMON is library.keywords.KEYWORDS_COMMON,
        ),
    ]


def _groups(group: Callable[[Any], object], statement: Any, text: str) -> bool:
    group(statement)
    parenthesis = statement.tokens[0]
    return any(str(token) == text for token in parenthesis.get_sublists())


def _with_little_stack(work: Callable[[], object]) -> object:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 120)
    try:
        return work()
    finally:
        sys.setrecursionlimit(usual)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    json.dump([held.answer() for held in hold()], sys.stdout)
