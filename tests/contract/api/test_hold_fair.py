"""``hold()``: neither holders nor updates starve, and no hold is left behind."""

from __future__ import annotations

import threading
from typing import Any

import rebottle
from tests.contract.api.scenario import Program
from tests.contract.api.test_api_hold import Worker

OLD, NEW = "def f(): return 1\n", "def f(): return 2\n"


def test_holds_come_in_between_updates_that_never_stop(program: Program) -> None:
    [m] = program.load(m=OLD)
    name = m.__name__
    held = threading.Event()

    def update() -> int:
        count = 0
        while not held.is_set():
            rebottle.reload([name], force="functions")
            count += 1
        return count

    updating = [Worker(update) for _ in range(4)]

    def hold() -> None:
        for _ in range(20):
            with rebottle.hold():
                assert m.f() == 1

    holding = [Worker(hold) for _ in range(3)]
    try:
        for worker in holding:
            worker.result()
    finally:
        held.set()
    assert sum(worker.result() for worker in updating) > 0


def test_the_hold_of_a_thread_that_has_ended_is_over(program: Program) -> None:
    [m] = program.load(m=OLD)
    Worker(lambda: rebottle.hold().__enter__()).result()
    names = program.write({"m": NEW})
    Worker(lambda: rebottle.reload(names)).result()
    assert m.f() == 2
    rebottle.rollback()


def test_a_hold_that_an_update_begins_goes_on_after_it(program: Program) -> None:
    [m] = program.load(m=OLD)
    name = m.__name__
    new = NEW + "import rebottle\nHELD = rebottle.hold()\ndef __after_update__(context): HELD.__enter__()\n"
    done: list[Any] = []

    def update() -> None:
        done.append(rebottle.reload([name], sources={name: new}))
        waiting = Worker(lambda: rebottle.hotfix("X = 1\n"))
        waiting.join(0.2)
        assert waiting.is_alive()
        m.HELD.__exit__(None, None, None)
        waiting.result().rollback()

    Worker(update).result()
    done[0].rollback()
    assert m.f() == 1


def test_a_hold_in_a_generator_that_is_dropped_is_over(program: Program) -> None:
    [m] = program.load(m=OLD)

    def held() -> Any:
        with rebottle.hold():
            yield

    waiting = held()
    next(waiting)
    del waiting
    program.update({"m": NEW})
    assert m.f() == 2
