"""Section 5: under ``replace`` data takes the new value, and tables keep their identity."""

from __future__ import annotations

import threading

import pytest

from tests.contract.api.scenario import AB, Program

TABLES = [
    ("{'a': 1, 'b': 2}", "{'b': 3, 'c': 4}"),
    ("[1, 2, 3]", "[3, 4]"),
    ("{1, 2}", "{2, 3}"),
    ("{}", "{'a': {'deep': 1}}"),
    ("[]", "[[1], [2]]"),
]


@pytest.mark.parametrize(("old", "new"), TABLES)
def test_a_table_keeps_its_identity(ab: AB, old: str, new: str) -> None:
    m, update = ab(f"T = {old}\n")
    held = m.T
    update(f"T = {new}\n", policy="replace")
    assert m.T is held
    assert held == eval(new)


@pytest.mark.parametrize(("old", "new"), TABLES)
def test_a_table_of_a_class_keeps_its_identity(ab: AB, old: str, new: str) -> None:
    m, update = ab(f"class C:\n    T = {old}\n")
    held, living = m.C.T, m.C()
    update(f"class C:\n    T = {new}\n", policy="replace")
    assert living.T is m.C.T is held
    assert held == eval(new)


@pytest.mark.parametrize(("old", "new"), TABLES)
def test_importers_see_a_renewed_table(program: Program, old: str, new: str) -> None:
    conf, app = program.load(conf=f"T = {old}\n", app="from @conf@ import T\nHELD = [T]\ndef get(): return T\n")
    program.update({"conf": f"T = {new}\n"}, policy="replace")
    assert app.get() is app.HELD[0] is conf.T
    assert app.get() == eval(new)


def test_the_order_of_a_table_is_that_of_the_source(ab: AB) -> None:
    m, update = ab("T = {'a': 1, 'b': 2}\n")
    update("T = {'c': 0, 'b': 2, 'a': 1}\n", policy="replace")
    assert list(m.T) == ["c", "b", "a"]


@pytest.mark.parametrize(("old", "new"), [("1", "2"), ("'a'", "'b'"), ("(1,)", "(2, 3)"), ("None", "1.5")])
def test_a_constant_takes_the_new_value(ab: AB, old: str, new: str) -> None:
    m, update = ab(f"X = {old}\nclass C:\n    X = {old}\n")
    living = m.C()
    update(f"X = {new}\nclass C:\n    X = {new}\n", policy="replace")
    assert m.X == living.X == eval(new)


def test_a_constant_is_renewed_in_modules_that_took_it(program: Program) -> None:
    conf, app, other = program.load(
        conf="LIMIT = 10_001\n", app="from @conf@ import LIMIT\n", other="from @conf@ import LIMIT as MAX\n"
    )
    program.update({"conf": "LIMIT = 20_002\n"}, policy="replace")
    assert conf.LIMIT == app.LIMIT == other.MAX == 20_002


def test_a_constant_is_renewed_through_a_chain_of_modules(program: Program) -> None:
    _, app, top = program.load(
        conf="LIMIT = 10_001\n", app="from @conf@ import LIMIT\n", top="from @app@ import LIMIT\n"
    )
    program.update({"conf": "LIMIT = 20_002\n"}, policy="replace")
    assert app.LIMIT == top.LIMIT == 20_002


def test_a_module_that_bound_something_else_there_keeps_it(program: Program) -> None:
    _, app = program.load(conf="LIMIT = 10_001\n", app="from @conf@ import LIMIT\n")
    app.LIMIT = 5
    program.update({"conf": "LIMIT = 20_002\n"}, policy="replace")
    assert app.LIMIT == 5


def test_an_equal_value_that_was_not_imported_stays(program: Program) -> None:
    _, app = program.load(conf="LIMIT = 10\n", app="import @conf@\nLIMIT = 10\n")
    program.update({"conf": "LIMIT = 20\n"}, policy="replace")
    assert app.LIMIT == 10


def test_a_table_that_changes_its_kind_is_rebound_importers_included(program: Program) -> None:
    conf, app = program.load(conf="T = [1, 2]\n", app="from @conf@ import T\ndef get(): return T\n")
    held = conf.T
    program.update({"conf": "T = {1: 2}\n"}, policy="replace")
    assert app.get() is conf.T
    assert conf.T == {1: 2}
    assert held == [1, 2]


def test_what_the_program_put_in_is_replaced(ab: AB) -> None:
    m, update = ab("T = {'a': 1}\n")
    m.T["live"] = 9
    update("T = {'a': 2}\n", policy="replace")
    assert m.T == {"a": 2}


def test_an_unchanged_assignment_stays_as_it_is(ab: AB) -> None:
    m, update = ab("T = {'a': 1}\nX = 1\ndef f(): return 1\n")
    m.T["live"] = 9
    m.X = 5
    update("T = {'a': 1}\nX = 1\ndef f(): return 2\n", policy="replace")
    assert m.T == {"a": 1, "live": 9}
    assert m.X == 5


@pytest.mark.parametrize("maker", ["object()", "threading.Lock()", "Own()"])
def test_an_edited_singleton_is_made_anew(ab: AB, maker: str) -> None:
    head = "import threading\nclass Own: pass\n"
    m, update = ab(head + f"ONE = {maker}\n")
    held = m.ONE
    update(head + f"ONE = {maker} or None\n", policy="replace")
    assert m.ONE is not held
    assert type(m.ONE) is type(held)


def test_a_renewed_value_is_made_once(ab: AB) -> None:
    head = "RUNS = []\ndef make(n):\n    RUNS.append(n)\n    return n\n"
    m, update = ab(head + "X = make(1)\n")
    update(head + "X = make(2)\n", policy="replace", undo=False)
    assert (m.X, m.RUNS) == (2, [1, 2])


def test_a_table_that_holds_itself_and_functions(ab: AB) -> None:
    m, update = ab("def f(): return 1\nT = {'f': f}\nT['me'] = T\n")
    held, f = m.T, m.f
    update("def f(): return 2\nT = {'f': f, 'g': f}\nT['me'] = T\n", policy="replace")
    assert m.T is held
    assert held["f"] is held["g"] is f
    assert f() == 2


def test_rollback_gives_table_and_constant_back_to_importers(program: Program) -> None:
    conf, app = program.load(conf="T = [1]\nX = 10_001\n", app="from @conf@ import T, X\n")
    held = app.T
    program.update({"conf": "T = [2]\nX = 20_002\n"}, policy="replace").rollback()
    assert conf.T is app.T is held
    assert held == [1]
    assert conf.X == app.X == 10_001


def test_a_reader_in_another_thread_never_sees_half_a_table(ab: AB) -> None:
    old, new = dict.fromkeys(range(50), 0), dict.fromkeys(range(50), 1)
    m, update = ab(f"T = {old}\n")
    table, stop, seen = m.T, threading.Event(), set()

    def read() -> None:
        while not stop.is_set():
            seen.add(frozenset(table.copy().values()))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        update(f"T = {new}\n", policy="replace", undo=False)
        update(f"T = {old}\n", policy="replace", undo=False)
    stop.set()
    reader.join()
    assert seen <= {frozenset({0}), frozenset({1})}
