"""Section 6.1: what statements changed is undone, whichever way they went about it."""

from __future__ import annotations

from typing import Any

import pytest

import rebottle
from tests.contract.api.scenario import Program

LIB = """
import collections, functools, operator
class Plain:
    def __init__(self): self.a, self.b, self.c = 1, 2, 3
class Slotted:
    __slots__ = ("a", "b")
    def __init__(self): self.a = 1
class Both(Slotted):
    __slots__ = ("c", "__dict__")
class Noting(type):
    noted = []
    def __setattr__(cls, name, value):
        Noting.noted.append(name)
        super().__setattr__(name, value)
class Noted(metaclass=Noting): value = 1
def counting():
    count = gone = 1
    def step():
        nonlocal count
        count += 1
    def drop():
        nonlocal gone
        del gone
    return step, drop
step, drop = counting()
class First: pass
class Second: pass
class Derived(First): pass
class Wrapping(dict):
    def __setitem__(self, key, value): super().__setitem__(key, ("wrapped", value))
class Pushing(list):
    def append(self, value): super().append(("pushed", value))
plain, slotted, both = Plain(), Slotted(), Both()
bounded = collections.deque([1, 2, 3], maxlen=3)
wrapping, pushing = Wrapping(a=1), Pushing([1])
numbers, table, some = [3, 1, 2], {"a": 1, "b": 2}, {1}
"""
STATEMENTS = {
    "attribute deleted": "del lib.plain.a",
    "attribute deleted and set": "del lib.plain.b; lib.plain.b = 2",
    "slot set by setattr": "setattr(lib.slotted, 'b', 2)",
    "slot deleted by delattr": "delattr(lib.slotted, 'a')",
    "slot set by object": "object.__setattr__(lib.slotted, 'b', 2)",
    "slot of a base": "object.__setattr__(lib.both, 'a', 9); setattr(lib.both, 'c', 1); setattr(lib.both, 'd', 1)",
    "class with a metaclass": "setattr(lib.Noted, 'value', 2)",
    "class with a metaclass, by assignment": "lib.Noted.value = 2; lib.Noted.more = 1",
    "bounded deque": "lib.bounded.append(4)",
    "bounded deque extended": "lib.bounded.extend([4, 5])",
    "bounded deque from the left": "lib.bounded.appendleft(0)",
    "dict with methods": "lib.wrapping['b'] = 2; lib.wrapping['a'] = 2",
    "list with methods": "lib.pushing.append(2)",
    "method of a base": "dict.__setitem__(lib.wrapping, 'b', 1); list.append(lib.pushing, 1)",
    "method-wrapper": "lib.numbers.__setitem__(0, 9); lib.table.__delitem__('a')",
    "partial": "lib.functools.partial(lib.numbers.append, 5)()",
    "partial of a function of a type": "lib.functools.partial(list.append, lib.numbers)(5)",
    "methodcaller": "lib.operator.methodcaller('append', 5)(lib.numbers)",
    "map": "list(map(lib.numbers.append, [4, 5])); any(map(lib.some.add, [4]))",
    "filter": "tuple(filter(lib.some.add, [4, 5]))",
    "map of items": "collections.deque(map(lib.table.__setitem__, 'ab', 'cd'), maxlen=0)",
    "super in a call": "max([1], key=lambda x: lib.numbers.append(x) or x)",
    "variable of a function around": "lib.step(); lib.step()",
    "variable of a function around, deleted": "lib.step(); lib.drop()",
    "name of a class": "lib.First.__name__ = 'Other'; setattr(lib.First, '__qualname__', 'Other')",
    "bases of a class": "lib.Derived.__bases__ = (lib.Second,)",
    "bases of a class by setattr": "setattr(lib.Derived, '__bases__', (lib.Second, lib.First))",
    "operator": "lib.operator.setitem(lib.table, 'a', 5); lib.operator.iadd(lib.numbers, [1])",
}


def content(lib: Any) -> dict[str, Any]:
    """What the statements change, in its order."""
    slots = {
        each: {name: getattr(getattr(lib, each), name, None) for name in "abcd"}
        for each in ("slotted", "both", "plain")
    }
    classes = {name: value for name, value in vars(lib.Noted).items() if not name.startswith("__")}
    held = {name: list(getattr(lib, name)) for name in ("bounded", "pushing", "numbers", "some")}
    tables = {name: list(getattr(lib, name).items()) for name in ("wrapping", "table")}
    cells = [repr(cell) for each in (lib.step, lib.drop) for cell in each.__closure__]
    names = [lib.First.__name__, lib.First.__qualname__, lib.Derived.__bases__]
    return {
        **slots,
        **held,
        **tables,
        "cells": cells,
        "names": names,
        "classes": classes,
        "order": list(vars(lib.plain).items()),
    }


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
@pytest.mark.parametrize("way", ["statement", "function", "hotfix"])
def test_it_is_undone_after_a_failure_and_by_a_rollback(program: Program, way: str, statement: str) -> None:
    app = "import collections\nimport @lib@ as lib\n"
    lib, _ = program.load(lib=LIB, app=app)
    before = content(lib)
    body = f"def change():\n    {statement}\nchange()\n" if way == "function" else f"{statement}\n"

    def update(end: str) -> rebottle.Report:
        if way == "hotfix":
            return rebottle.hotfix(program.world.text(app + body + end))
        return rebottle.reload(program.write({"app": app + body + end}))

    with pytest.raises(rebottle.ExecutionError):
        update("1 / 0\n")
    assert content(lib) == before
    report = update("")
    assert content(lib) != before
    report.rollback()
    assert content(lib) == before
