"""Section 5: ``merge`` compares the old source value, the new source value and the live value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.api.scenario import AB, Program, named


@pytest.mark.parametrize(
    ("old", "new"),
    [("1", "2"), ("'a'", "'b'"), ("(1,)", "(2,)"), ("[1]", "[2]"), ("{'a': 1}", "{'a': 2}"), ("{1}", "{2}")],
)
def test_untouched_at_run_time_takes_the_new_value(ab: AB, old: str, new: str) -> None:
    m, update = ab(f"X = {old}\nclass C:\n    X = {old}\n")
    held, living = m.X, m.C()
    update(f"X = {new}\nclass C:\n    X = {new}\n", policy="merge")
    assert m.X == living.X == eval(new)
    assert m.X is held or not isinstance(held, (dict, list, set))


def test_a_constant_touched_at_run_time_stays_and_is_reported(ab: AB) -> None:
    m, update = ab("X = 1\n")
    m.X = 5
    report = update("X = 2\n", policy="merge")
    assert m.X == 5
    assert named(report.kept, "X")


def grow(table: dict[str, Any]) -> None:
    table["live"] = 9


def change(table: dict[str, Any]) -> None:
    table["a"] = 9


def shrink(table: dict[str, Any]) -> None:
    del table["b"]


@pytest.mark.parametrize(
    ("touch", "new", "result"),
    [
        (grow, {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "c": 3, "live": 9}),
        (grow, {"a": 1}, {"a": 1, "live": 9}),
        (grow, {"a": 5, "b": 2}, {"a": 5, "b": 2, "live": 9}),
        (change, {"a": 1, "b": 7}, {"a": 9, "b": 7}),
        (change, {"a": 1, "b": 2, "c": 3}, {"a": 9, "b": 2, "c": 3}),
        (shrink, {"a": 5, "b": 2}, {"a": 5}),
        (change, {"a": 5, "b": 2}, {"a": 9, "b": 2}),
        (change, {"b": 2}, {"a": 9, "b": 2}),
    ],
)
def test_dicts_merge_key_by_key(
    ab: AB, touch: Callable[[Any], None], new: dict[str, int], result: dict[str, int]
) -> None:
    m, update = ab("T = {'a': 1, 'b': 2}\n")
    held = m.T
    touch(held)
    update(f"T = {new}\n", policy="merge")
    assert m.T is held
    assert held == result


def test_in_a_conflict_the_live_value_stays_and_is_reported(ab: AB) -> None:
    m, update = ab("T = {'a': 1, 'b': 2}\n")
    m.T["a"] = 9
    report = update("T = {'a': 5, 'b': 6}\n", policy="merge")
    assert m.T == {"a": 9, "b": 6}
    assert named(report.kept, "T", "a")


def test_dicts_merge_deeply(ab: AB) -> None:
    m, update = ab("T = {'x': {'y': {'a': 1, 'b': 2}}, 'z': 1}\n")
    inner = m.T["x"]["y"]
    inner["live"] = 9
    update("T = {'x': {'y': {'a': 3, 'b': 2, 'c': 4}}, 'z': 2}\n", policy="merge")
    assert m.T == {"x": {"y": {"a": 3, "b": 2, "c": 4, "live": 9}}, "z": 2}
    assert m.T["x"]["y"] is inner


def test_sets_merge_by_element(ab: AB) -> None:
    m, update = ab("S = {1, 2, 3}\n")
    held = m.S
    held.add(9)
    held.discard(1)
    update("S = {1, 2, 4}\n", policy="merge")
    assert m.S is held
    assert held == {2, 4, 9}


def test_sets_inside_dicts_merge_by_element(ab: AB) -> None:
    m, update = ab("T = {'s': {1}}\n")
    m.T["s"].add(9)
    update("T = {'s': {1, 2}}\n", policy="merge")
    assert {"s": {1, 2, 9}} == m.T


def test_lists_merge_as_a_whole(ab: AB) -> None:
    m, update = ab("L = [1, 2]\nK = [1, 2]\n")
    lst, held = m.L, m.K
    lst.append(9)
    report = update("L = [1, 2, 3]\nK = [1, 2, 3]\n", policy="merge")
    assert m.L is lst
    assert lst == [1, 2, 9]
    assert m.K is held
    assert held == [1, 2, 3]
    assert named(report.kept, "L")


def test_a_dispatch_table_gets_its_new_entry(ab: AB) -> None:
    head = "def go(): return 1\ndef stop(): return 2\n"
    m, update = ab(head + "TABLE = {'go': go}\n")
    table, go = m.TABLE, m.go
    update(head.replace("return 1", "return 11") + "TABLE = {'go': go, 'stop': stop}\n", policy="merge")
    assert m.TABLE is table
    assert table["go"] is go
    assert table["stop"] is m.stop
    assert go() == 11


def test_a_dispatch_table_gets_a_function_that_is_new(ab: AB) -> None:
    m, update = ab("def go(): return 1\nTABLE = {'go': go}\n")
    m.TABLE["live"] = print
    update("def go(): return 1\ndef stop(): return 2\nTABLE = {'go': go, 'stop': stop}\n", policy="merge")
    assert set(m.TABLE) == {"go", "live", "stop"}
    assert m.TABLE["stop"] is m.stop


def test_importers_follow_a_merged_constant(program: Program) -> None:
    conf, app = program.load(conf="LIMIT = 10_001\nT = {'a': 1}\n", app="from @conf@ import LIMIT, T\n")
    program.update({"conf": "LIMIT = 20_002\nT = {'a': 2}\n"}, policy="merge")
    assert app.LIMIT == conf.LIMIT == 20_002
    assert app.T is conf.T
    assert app.T == {"a": 2}


def test_a_table_of_another_kind_takes_the_new_kind_when_untouched(ab: AB) -> None:
    m, update = ab("T = [1]\nU = [1]\n")
    m.U.append(2)
    update("T = {1: 1}\nU = {1: 1}\n", policy="merge")
    assert m.T == {1: 1}
    assert m.U == [1, 2]


def test_a_second_update_compares_with_the_value_of_the_first(ab: AB) -> None:
    m, update = ab("X = 1\nT = {'a': 1}\n")
    update("X = 2\nT = {'a': 2}\n", policy="merge", undo=False)
    m.T["live"] = 9
    update("X = 3\nT = {'a': 3}\n", policy="merge")
    assert m.X == 3
    assert m.T == {"a": 3, "live": 9}


def test_a_value_that_was_kept_and_then_touched_stays(ab: AB) -> None:
    m, update = ab("X = 1\n")
    update("X = 2\n", policy="keep")
    assert m.X == 1
    m.X = 7
    update("X = 3\n", policy="merge")
    assert m.X == 7


def test_instances_that_are_edited_are_kept(ab: AB) -> None:
    m, update = ab("class Own: pass\nONE = Own()\n")
    held = m.ONE
    report = update("class Own: pass\nONE = Own() or None\n", policy="merge")
    assert m.ONE is held
    assert named(report.kept, "ONE")


def test_a_counter_that_ran_stays(ab: AB) -> None:
    m, update = ab("COUNT = 0\ndef hit():\n    global COUNT\n    COUNT += 1\n")
    m.hit()
    update("COUNT = 100\ndef hit():\n    global COUNT\n    COUNT += 2\n", policy="merge", undo=False)
    m.hit()
    assert m.COUNT == 3
