"""Ten thousand updates of a mixed module: the process doesn't grow and updates don't get slower."""

from __future__ import annotations

import gc
import resource
import statistics
import time
from pathlib import Path

import pytest

import rebottle
from tests.conftest import World

OLD = """
    import functools
    LIMIT = {"a": [1, 2]}
    def counter():
        count = 0
        def step(by=1):
            nonlocal count
            count += by
            return count
        return step
    step = counter()
    def traced(function):
        @functools.wraps(function)
        def inner(*values): return function(*values)
        return inner
    @traced
    def decorated(x): return x
    @functools.lru_cache
    def cached(x): return x + 1
    class Player:
        speed = 1
        def __init__(self): self.health = 100
        @property
        def alive(self): return self.health > 0
        @classmethod
        def make(cls): return cls()
    class Elf(Player):
        def fire(self): return super().alive
    player = Player.make()
    elves = [Elf() for _ in range(10)]
"""
NEW = (
    OLD.replace("count += by", "count += 2 * by")
    .replace("x + 1", "x + 2")
    .replace("return x\n", "return -x\n")
    .replace("> 0", ">= 0")
    .replace("[1, 2]", "[3, 2]")
    .replace("speed = 1", "speed = 2")
)


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


class Ends:
    """How much there is: of objects and of memory."""

    def __init__(self) -> None:
        gc.collect()
        self.objects = len(gc.get_objects())
        self.memory = resident()


def run(world: World, updates: int) -> list[float]:
    name = world.name("m")
    module = world.load(name, OLD)
    texts = [world.text(NEW), world.text(OLD)]
    times = []
    for i in range(updates):
        start = time.perf_counter()
        report = rebottle.reload([name], sources={name: texts[i % 2]}, policy="replace")
        times.append(time.perf_counter() - start)
        if i % 10 == 9:
            report.rollback()
            rebottle.rollback()
        if i % 50 == 0:
            rebottle.hotfix(f"import {name}\ndef fire(self): return 7\n{name}.Elf.fire = fire\n")
            assert module.elves[0].fire() == 7
            rebottle.rollback()
    return times


@pytest.mark.timeout(1200)
def test_ten_thousand_updates_leave_the_process_as_large_as_it_was(world: World) -> None:
    run(world, 500)
    before = Ends()
    times = run(world, 10_000)
    after = Ends()
    grown = after.objects / before.objects - 1, after.memory / before.memory - 1
    early, late = statistics.median(times[:1000]), statistics.median(times[-1000:])
    print(
        f"objects {grown[0]:+.2%}, memory {grown[1]:+.2%}, update {early * 1e3:.2f} ms, at the end {late * 1e3:.2f} ms"
    )
    assert max(grown) < 0.01
    assert late < 1.3 * early
