"""``hold()``: no update is committed inside; updates from several threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import rebottle
from tests.contract.api.scenario import Program

OLD, NEW = "def f(): return 1\n", "def f(): return 2\n"


class Worker(threading.Thread):
    """Runs a call in a thread; ``result()`` waits for it."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self.call = call
        self.error: BaseException | None = None
        self.value: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.value = self.call()
        except BaseException as error:
            self.error = error

    def result(self) -> Any:
        self.join(30)
        assert not self.is_alive(), "it never came back"
        if self.error is not None:
            raise self.error
        return self.value


@pytest.mark.parametrize(
    "call",
    [
        lambda names: rebottle.reload(names),
        lambda names: rebottle.reload(),
        lambda names: rebottle.hotfix("x = 1\n"),
        lambda names: rebottle.rollback(),
    ],
    ids=["reload", "reload all", "hotfix", "rollback"],
)
def test_inside_ones_own_hold_updates_are_refused_at_once(program: Program, call: Callable[[object], object]) -> None:
    [m] = program.load(m=OLD)
    names = program.write({"m": NEW})
    with rebottle.hold(), pytest.raises(rebottle.RefusedError):
        call(names)
    assert m.f() == 1
    program.reload(names)
    assert m.f() == 2


def test_a_report_cannot_be_rolled_back_inside_a_hold(program: Program) -> None:
    [m] = program.load(m=OLD)
    report = program.update({"m": NEW})
    with rebottle.hold(), pytest.raises(rebottle.RefusedError):
        report.rollback()
    assert m.f() == 2
    assert report.in_force


def test_holds_nest(program: Program) -> None:
    [m] = program.load(m=OLD)
    names = program.write({"m": NEW})
    with rebottle.hold():
        with rebottle.hold():
            pass
        with pytest.raises(rebottle.RefusedError):
            rebottle.reload(names)
    program.reload(names)
    assert m.f() == 2


def test_a_hold_ends_when_an_exception_leaves_it(program: Program) -> None:
    [m] = program.load(m=OLD)
    with pytest.raises(KeyError), rebottle.hold():
        raise KeyError
    program.update({"m": NEW})
    assert m.f() == 2


def test_an_update_of_another_thread_waits_for_the_holder(program: Program) -> None:
    [m] = program.load(m=OLD)
    names = program.write({"m": NEW})
    with rebottle.hold():
        worker = Worker(lambda: rebottle.reload(names))
        for _ in range(2000):
            assert m.f() == 1
        assert worker.is_alive()
    worker.result()
    assert m.f() == 2


def test_an_update_waits_for_all_holders(program: Program) -> None:
    [m] = program.load(m=OLD)
    names = program.write({"m": NEW})
    inside, leave = threading.Event(), threading.Event()

    def holder() -> None:
        with rebottle.hold():
            inside.set()
            assert leave.wait(30)

    other = Worker(holder)
    assert inside.wait(30)
    with rebottle.hold():
        worker = Worker(lambda: rebottle.reload(names))
    for _ in range(2000):
        assert m.f() == 1
    assert worker.is_alive()
    leave.set()
    other.result()
    worker.result()
    assert m.f() == 2


def test_neither_holders_nor_updates_starve(program: Program) -> None:
    [m] = program.load(m="def f(): return 0\n")
    done = threading.Event()

    def holder() -> int:
        held = 0
        while not done.is_set():
            with rebottle.hold():
                first = m.f()
                assert m.f() == first
                held += 1
        return held

    holders = [Worker(holder) for _ in range(3)]
    try:
        for n in range(1, 30):
            rebottle.reload([m], sources={m.__name__: f"def f(): return {n}\n"})
    finally:
        done.set()
        counts = [each.result() for each in holders]
    assert m.f() == 29
    assert all(isinstance(count, int) and count > 0 for count in counts)


def test_inside_a_hold_nothing_changes_between_two_calls(program: Program) -> None:
    [m] = program.load(m="def f(): return 0\ndef g(): return 0\n")
    stop = threading.Event()

    def updates() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            rebottle.reload([m], sources={m.__name__: f"def f(): return {n}\ndef g(): return {n}\n"})

    worker = Worker(updates)
    try:
        for _ in range(300):
            with rebottle.hold():
                assert m.f() == m.g()
    finally:
        stop.set()
        worker.result()


def test_a_reload_inside_a_new_statement_is_refused_while_the_outer_goes_on(program: Program) -> None:
    one, two = program.load(one="SEEN = []\n", two=OLD)
    program.write({"two": NEW})
    text = f"""
        SEEN = []
        import rebottle
        try:
            rebottle.reload([{two.__name__!r}])
        except rebottle.RefusedError as error:
            SEEN.append(len(error.refusals))
        def after(): return "there"
        """
    program.update({"one": text}, undo=False)
    assert one.SEEN == [1]
    assert one.after() == "there"
    assert two.f() == 1


@pytest.mark.parametrize("call", ["rebottle.rollback()", "rebottle.hotfix('x = 1')", "rebottle.reload()"])
def test_a_nested_update_that_is_not_caught_fails_the_outer(program: Program, call: str) -> None:
    [one] = program.load(one=OLD)
    failure = program.fails({"one": NEW + f"import rebottle\n{call}\n"}, rebottle.ExecutionError)
    assert isinstance(failure.__cause__, rebottle.RefusedError)
    assert one.f() == 1


def test_all_calls_may_come_from_any_thread(program: Program) -> None:
    [m] = program.load(m=OLD)
    names = program.write({"m": NEW})
    assert Worker(lambda: rebottle.plan(names).changes).result()
    report = Worker(lambda: rebottle.reload(names)).result()
    assert isinstance(report, rebottle.Report)
    assert m.f() == 2
    Worker(report.rollback).result()
    assert m.f() == 1
    text = f"import {m.__name__} as m\ndef f(): return 3\nm.f = f\n"
    fixed = Worker(lambda: rebottle.hotfix(text)).result()
    assert m.f() == 3
    assert fixed.id in [each.id for each in Worker(rebottle.history).result()]
    Worker(rebottle.stale).result()
    Worker(rebottle.rollback).result()
    assert m.f() == 1
