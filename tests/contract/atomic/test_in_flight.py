"""Section 6.3, for what is under way at the commit: callers, names that go, instances that other threads use."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program
from tests.contract.atomic.test_atomic_threads import hammering

UPDATES = 12

pytestmark = pytest.mark.usefixtures("quick_switches")


class UnderWay:
    """A call that has begun in another thread, and goes on when it is asked for its result."""

    def __init__(self, call: Callable[[Callable[[], object]], Any]) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.got: Any = None
        self.thread = threading.Thread(target=self.run, args=(call,), daemon=True)
        self.thread.start()
        assert self.begun.wait(30)

    def run(self, call: Callable[[Callable[[], object]], Any]) -> None:
        try:
            self.got = call(self.pause)
        except BaseException as error:
            self.got = error

    def pause(self) -> None:
        self.begun.set()
        self.go_on.wait(30)

    def result(self) -> Any:
        self.go_on.set()
        self.thread.join(30)
        return self.got


def versions(number: int) -> str:
    """A caller and a callee whose signature changes with each version."""
    parameters = "".join(f", p{i}" for i in range(number))
    arguments = ", ".join(["0"] * number)
    return f"""
        def callee(x{parameters}): return {number}
        def caller(pause):
            pause()
            return callee({", ".join(["0"] * (number + 1))})
        class C:
            def method(self{parameters}): return {number}
            def caller(self, pause):
                pause()
                return self.method({arguments})
        """


@pytest.mark.parametrize("kind", ["function", "method"])
def test_a_caller_under_way_reaches_its_callee_whatever_is_undone_and_done_again(ab: AB, kind: str) -> None:
    m, update = ab(versions(1))
    caller = m.caller if kind == "function" else m.C().caller
    before = UnderWay(caller)
    report = update(versions(2), undo=False)
    between = UnderWay(caller)
    undone = report.rollback()
    assert caller(lambda: None) == 1
    again = UnderWay(caller)
    undone.rollback()
    assert caller(lambda: None) == 2
    update(versions(0), undo=False)
    assert caller(lambda: None) == 0
    assert [each.result() for each in (before, between, again)] == [1, 2, 1]


def test_what_a_caller_under_way_reaches_stays_as_it_was(ab: AB) -> None:
    text = "def callee(x, d={0}): return x, d\ndef caller(pause):\n    pause()\n    return callee({0})\n"
    m, update = ab(text.format(0))
    first = UnderWay(m.caller)
    update(text.format(1), undo=False)
    second = UnderWay(m.caller)
    for n in range(2, 6):
        report = update(text.format(n), undo=False)
        if n % 2:
            report.rollback().rollback()
    assert [first.result(), second.result(), m.caller(lambda: None)] == [(0, 0), (1, 1), (5, 5)]


NAMES = """
    def {0}(): return '{0}'
    def caller(pause):
        pause()
        return {0}()
    def generate():
        yield
        yield {0}()
    """


@pytest.mark.parametrize("way", ["pruned", "rolled back"])
def test_a_frame_under_way_finds_names_that_are_gone_for_all_others(ab: AB, way: str) -> None:
    m, update = ab(NAMES.format("one"))
    report = update(NAMES.format("two"), undo=False)
    under_way, suspended = UnderWay(m.caller), m.generate()
    next(suspended)
    if way == "pruned":
        update(NAMES.format("one"), undo=False, prune=True)
    else:
        report.rollback()
    assert not hasattr(m, "two")
    assert "two" not in vars(m)
    assert m.caller(lambda: None) == "one"
    assert under_way.result() == "two"
    assert next(suspended) == "two"


def test_names_come_and_go_while_threads_call(ab: AB) -> None:
    text = "def f{0}(): return {0}\ndef use(): return f{0}() == {0}\n"
    m, update = ab(text.format(0))
    with hammering(m.use, lambda: m.use()) as (seen, raised):
        for n in range(1, UPDATES):
            update(text.format(n), undo=False, prune=True)
            rebottle.rollback()
            update(text.format(n), undo=False, prune=True)
    assert raised == []
    assert seen == {True}


def test_slots_change_while_threads_make_and_use_instances(ab: AB) -> None:
    text = (
        "class C:\n    __slots__ = ('a', {0})\n    def __init__(self): self.a = 1\n    def get(self): return self.a\n"
    )
    m, update = ab(text.format(""))
    living = m.C()
    with hammering(lambda: m.C().get(), lambda: living.get()) as (seen, raised):
        done = 0
        while done < UPDATES:  # refused while some thread is always within a call
            with contextlib.suppress(rebottle.RefusedError):
                update(text.format("" if done % 2 else "'b'"), undo=False)
                done += 1
    assert raised == []
    assert seen == {1}


def test_closures_die_while_their_defaults_follow(ab: AB) -> None:
    text = (
        "def make():\n    def inner(a=[{0}], b=({0},), *, c={{'k': {0}}}): return (*a, *b, c['k'])\n    return inner\n"
    )
    m, update = ab(text.format(0))
    kept = m.make()
    with hammering(lambda: m.make()()) as (seen, raised):
        for n in range(1, UPDATES):
            update(text.format(n), undo=False)
            seen.add(kept())
    assert raised == []
    assert seen <= {(n, n, n) for n in range(UPDATES)}


def test_a_refused_update_leaves_nothing_that_the_next_one_takes_for_the_program(ab: AB) -> None:
    text = """
        class A:
            def who(self): return 'a'
        class B(A):
            def who(self): return 'b' + super().who()
        class C({base}):
            def who(self): return '{sign}' + super().who()
        class S:
            __slots__ = ({slots})
        """
    m, update = ab(text.format(base="A", sign="c", slots=""))
    living, hidden = m.C(), m.S()
    holding = ctypes.pythonapi.Py_IncRef, ctypes.pythonapi.Py_DecRef
    holding[0](ctypes.py_object(hidden))
    try:
        with pytest.raises(rebottle.RefusedError):
            update(text.format(base="B", sign="c", slots="'x',"), undo=False)
        assert living.who() == "ca"
        update(text.format(base="B", sign="d", slots=""), undo=False)
        assert living.who() == "dba"
        assert m.C().who() == "dba"
        assert vars(m.C)["who"].__globals__ is vars(m)
    finally:
        holding[1](ctypes.py_object(hidden))


TEXT = """
    import dataclasses
    LIMIT = {0}
    TABLE = {{'a': {0}}}
    def outer():
        def inner(a={0}, *b, c=({0}, -{0})): return a
        return inner
    class Base{0}: pass
    class C(Base{0}):
        __slots__ = ('x{0}',)
        def m(self, a={0}): return super().__repr__()
    @dataclasses.dataclass
    class D:
        x{0}: int = {0}
    """


state = {"watching": False}


@rebottle.on_update  # at import: before the callbacks that other tests leave behind
def watched(_: object) -> None:
    state["watching"] = False


@pytest.mark.parametrize("verb", ["reload", "rollback"])
def test_no_python_code_runs_in_the_commit(program: Program, verb: str) -> None:
    [m] = program.load(m=TEXT.format(0))
    kept = m.outer(), m.C(), m.D()
    ran: list[str] = []

    def note(frame: Any, event: str, _: object) -> None:
        if event == "call" and state["watching"]:
            ran.append(frame.f_code.co_qualname)

    def audit(event: str, _: tuple[object, ...]) -> None:
        if event == "rebottle.update" and sys.getprofile() is note:
            state["watching"] = True

    sys.addaudithook(audit)
    report = None
    sys.setprofile(note)
    try:
        for n in range(1, 4):
            report = program.update({"m": TEXT.format(n)}, undo=False, policy="replace")
    finally:
        sys.setprofile(None)
        state["watching"] = False
    assert report is not None
    if verb == "rollback":
        ran.clear()
        state["watching"] = True
        sys.setprofile(note)
        try:
            report.rollback()
        finally:
            sys.setprofile(None)
    assert [name for name in ran if name not in (watched.__qualname__, audit.__qualname__)] == []
    assert kept[0]() in (2, 3)
