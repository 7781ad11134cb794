"""Section 6.6: a rollback that undoes later updates as well is one: done whole or not at all, and undone whole."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

import rebottle
from tests.contract.api.scenario import AB

TEXT = """
    X = {0}
    def f(a={0}): return a
    class S:
        __slots__ = ({1})
        def get(self): return {0}
    """
SLOTS = ("", "'x',", "'x', 'y',", "'x', 'y', 'z'")


def chain(ab: AB, *slots: str) -> tuple[Any, list[rebottle.Report]]:
    """A module and updates that each touch all of its definitions."""
    m, update = ab(TEXT.format(0, slots[0]))
    return m, [update(TEXT.format(n, slot), policy="replace", undo=False) for n, slot in enumerate(slots) if n > 0]


def state(m: Any) -> tuple[object, ...]:
    return m.X, m.f(), m.S().get(), m.S.__slots__


def test_a_cascade_is_undone_through_its_own_report(ab: AB) -> None:
    m, updates = chain(ab, *SLOTS)
    before = state(m)
    report = updates[0].rollback(cascade=True)
    assert state(m) == (0, 0, 0, ())
    assert {change.where.rpartition(".")[2] for change in report.changes} >= {"f", "get"}
    assert not any(each.in_force for each in updates)
    again = report.rollback()
    assert state(m) == before
    assert all(each.in_force for each in updates)
    again.rollback()
    assert state(m) == (0, 0, 0, ())


def test_a_cascade_that_fails_midway_has_done_nothing(ab: AB) -> None:
    m, updates = chain(ab, "", "'x',", "'x',", "'x',")
    before, count = state(m), len(rebottle.history())
    hidden = m.S()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(hidden))
    try:
        with pytest.raises(rebottle.RefusedError, match="class-layout"):
            updates[0].rollback(cascade=True)
        assert state(m) == before
        assert all(each.in_force for each in updates)
        assert len(rebottle.history()) == count
    finally:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(hidden))
    updates[0].rollback(cascade=True)
    assert state(m) == (0, 0, 0, ())


def test_a_rollback_is_undone_only_before_those_that_came_after_it(ab: AB) -> None:
    m, (first, second) = chain(ab, "", "", "")
    undone = second.rollback()
    first.rollback()
    assert state(m) == (0, 0, 0, ())
    with pytest.raises(rebottle.RefusedError) as caught:
        undone.rollback()
    assert caught.value.refusals[0].rule == "rollback-order"
    undone.rollback(cascade=True)
    assert state(m) == (2, 2, 2, ())
    rebottle.rollback()
    assert state(m) == (1, 1, 1, ())
    rebottle.rollback()
    assert state(m) == (0, 0, 0, ())


def test_what_is_in_force_after_each_of_many_turns(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    reports = [update("def f(): return 2\n", undo=False)]
    for turn in range(6):
        reports.append(reports[-1].rollback())
        assert m.f() == (1 if turn % 2 == 0 else 2)
        assert reports[0].in_force == (m.f() == 2)
        assert [each.in_force for each in reversed(reports)] == [number % 2 == 0 for number in range(len(reports))]
