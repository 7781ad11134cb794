"""Section 6.1: whatever raises, wherever: nothing changes, and the next update works."""

from __future__ import annotations

import functools
import linecache
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

import rebottle
from tests.conftest import World
from tests.contract.faults.program import Mixed


@pytest.fixture
def mixed(world: World) -> Mixed:
    return Mixed(world)


class Failing:
    """Makes the n-th step of an update fail, for n = 1, 2, 3 … until an update gets through."""

    def __init__(self, mixed: Mixed, fail: Callable[[], None]) -> None:
        self.mixed = mixed
        self.fail = fail
        self.left = 0
        self.armed = False

    def step(self) -> None:
        if not self.armed:
            return
        self.left -= 1
        if self.left == 0:
            self.fail()

    def update(self, run: Callable[[], rebottle.Report]) -> rebottle.Report:
        self.armed = True
        try:
            return run()
        finally:
            self.armed = False

    def run(self, expected: tuple[type[BaseException], ...], run: Callable[[], rebottle.Report]) -> int:
        """How many steps failed."""
        before = self.mixed.state()
        for n in range(1, 10_000):
            self.left = n
            try:
                report = self.update(run)
            except expected:
                self.mixed.check(before, n)
                self.mixed.check_works(before, n)
                continue
            report.rollback()  # also where somebody handled the failure
            self.mixed.check(before, n)
            if self.left > 0:
                return n - 1
        raise AssertionError("it never ends")


def raising(kind: type[BaseException]) -> Callable[[], None]:
    def fail() -> None:
        raise kind("injected")

    return fail


KINDS = [
    pytest.param(raising(ValueError), (rebottle.ExecutionError,), id="exception"),
    pytest.param(raising(MemoryError), (rebottle.UpdateError,), id="MemoryError"),
    pytest.param(raising(SystemExit), (rebottle.ExecutionError,), id="SystemExit"),
    pytest.param(raising(KeyboardInterrupt), (KeyboardInterrupt,), id="KeyboardInterrupt"),
    pytest.param(lambda: signal.raise_signal(signal.SIGINT), (KeyboardInterrupt,), id="Ctrl-C"),
]


@pytest.mark.parametrize(("fail", "expected"), KINDS)
def test_each_line_of_the_program_that_the_update_runs(
    mixed: Mixed, fail: Callable[[], None], expected: tuple[type[BaseException], ...]
) -> None:
    failing = Failing(mixed, fail)

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        if not mixed.owns(frame.f_code.co_filename):
            return None
        if event == "line":
            failing.step()
        return trace

    def run() -> rebottle.Report:
        sys.settrace(trace)
        try:
            return mixed.update()
        finally:
            sys.settrace(None)

    assert failing.run(expected, run) > 15


listening: list[Callable[[str], None]] = []


@functools.cache
def hear_audit_events() -> None:
    """Hooks can't be removed: one serves all tests."""
    sys.addaudithook(lambda event, _arguments: [listener(event) for listener in listening] and None)


@pytest.fixture
def listen() -> Iterator[Callable[[Callable[[str], None]], None]]:
    hear_audit_events()
    yield listening.append
    listening.clear()


# What objects while the engine gives back what it used is told to sys.unraisablehook.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("fail", "expected"),
    [
        pytest.param(raising(RuntimeError), (rebottle.UpdateError,), id="exception"),
        pytest.param(raising(KeyboardInterrupt), (KeyboardInterrupt,), id="KeyboardInterrupt"),
    ],
)
def test_an_audit_hook_objects_to_each_event(
    mixed: Mixed,
    listen: Callable[[Callable[[str], None]], None],
    fail: Callable[[], None],
    expected: tuple[type[BaseException], ...],
) -> None:
    linecache.getlines(__file__)  # as who shows what was raised here does
    failing = Failing(mixed, fail)
    listen(lambda _event: failing.step())
    assert failing.run((*expected, rebottle.UpdateError), mixed.update) > 5


def test_each_file_that_cannot_be_opened(mixed: Mixed, listen: Callable[[Callable[[str], None]], None]) -> None:
    failing = Failing(mixed, raising(OSError))

    def on_event(event: str) -> None:
        if event == "open":
            failing.step()

    listen(on_event)
    text = mixed.path.read_text()
    before = mixed.state()
    for n in range(1, 100):
        mixed.path.write_text(mixed.new)
        failing.left = n
        try:
            report = failing.update(lambda: rebottle.reload([mixed.name], policy="replace"))
        except rebottle.UpdateError:
            mixed.check(before, n)
            continue
        finally:
            mixed.path.write_text(text)
        assert report.changes
        report.rollback()
        mixed.check(before, n)
        if failing.left > 0:
            return
    raise AssertionError("it never ends")
