"""Sections 2.3, 3 and 5: lambdas in tables are functions, they follow; the rest of the table is data."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import AB, Program, named

TABLES = {
    "dict": ("X = {'a': lambda: 1, 'b': lambda: 'b'}\n", "X['a']"),
    "list": ("X = [lambda: 1, lambda: 'b']\n", "X[0]"),
    "tuple": ("X = (lambda: 1, 5)\n", "X[0]"),
    "nested": ("X = {'in': [(lambda: 1,)]}\n", "X['in'][0][0]"),
    "comprehension": ("X = [(lambda i=i: 1 + i) for i in range(2)]\n", "X[0]"),
    "class": ("class C:\n    X = {'a': lambda: 1, 'b': 2}\n", "C.X['a']"),
    "equal ones": ("X = [lambda: 'b', lambda: 1, lambda: 'b']\n", "X[1]"),
}


@pytest.mark.parametrize("policy", ["keep", "merge", "replace"])
@pytest.mark.parametrize("kind", TABLES)
def test_a_lambda_in_a_table_follows(ab: AB, kind: str, policy: str) -> None:
    text, place = TABLES[kind]
    m, update = ab(text)
    held = eval(place, {**vars(m)})
    report = update("\n" + text.replace(": 1", ": 2"), policy=policy)
    assert (held(), eval(place, {**vars(m)})()) == (2, 2)
    assert held.__code__.co_firstlineno == (3 if kind == "class" else 2)
    assert not report.kept


def test_two_that_change_places_do_so_for_their_holders(ab: AB) -> None:
    m, update = ab("X = {'a': lambda: 1, 'b': lambda: 2}\n")
    a, b = m.X.values()
    update("X = {'a': lambda: 2, 'b': lambda: 1}\n")
    assert (a(), b(), m.X["a"](), m.X["b"]()) == (2, 1, 2, 1)


OPS = "def twice(x): return 2 * x\nOPS = {'+': lambda x: x + 1, '-': lambda x: x-1, 'n': 1, 'gone': lambda: 0}\n"
NEW = "def twice(x): return 4 * x\nOPS = {'+': lambda x: x + 9, '-': lambda x: x-1, 'n': 2, '2': lambda x: twice(x)}\n"


def test_a_table_with_lambdas_is_merged(program: Program) -> None:
    m, app = program.load(m=OPS, app="from @m@ import OPS\nOPS['mine'] = lambda: 'mine'\nplus = OPS['+']\n")
    program.update({"m": NEW}, policy="merge")
    assert app.OPS is m.OPS
    assert app.plus(1) == m.OPS["+"](1) == 10
    assert (m.OPS["-"](1), m.OPS["2"](1), m.OPS["n"], m.OPS["mine"]()) == (0, 4, 2, "mine")
    assert m.OPS["2"].__globals__ is vars(m)
    assert "gone" not in m.OPS


def test_what_the_program_put_in_a_lambda_s_place_stays(ab: AB) -> None:
    m, update = ab(OPS)
    m.OPS["+"] = abs
    report = update(NEW, policy="merge")
    assert m.OPS["+"] is abs
    assert m.OPS["2"](1) == 4
    assert named(report.kept, "OPS['+']", "run time")


def test_under_keep_only_the_lambdas_follow(ab: AB) -> None:
    m, update = ab(OPS)
    report = update(NEW)
    assert (m.OPS["+"](1), m.OPS["n"], "2" in m.OPS) == (10, 1, False)
    assert named(report.kept, "OPS", "keeps")
