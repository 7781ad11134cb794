"""What an update takes it gives back: the interpreter's count of all references stays flat over many updates."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest

import rebottle
from tests.conftest import World

pytestmark = pytest.mark.skipif(not hasattr(sys, "gettotalrefcount"), reason="needs a debug build of CPython")

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
    @functools.lru_cache
    def cached(x): return x + 1
    class Player:
        def __init__(self): self.health = 100
        @property
        def alive(self): return self.health > 0
        @classmethod
        def make(cls): return cls()
    player = Player.make()
"""
NEW = (
    OLD.replace("count += by", "count += 2 * by").replace("x + 1", "x + 2").replace("> 0", ">= 0").replace("[1,", "[3,")
)
BROKEN = NEW + "    raise RuntimeError('halfway')\n"


def growth(round_trip: Callable[[], object], warm_up: int = 150, rounds: int = 100) -> float:
    """References that one call of ``round_trip`` leaves behind, once caches and the history are full."""
    total: Callable[[], int] = sys.gettotalrefcount
    for _ in range(warm_up):
        round_trip()
    gc.collect()
    before = total()
    for _ in range(rounds):
        round_trip()
    gc.collect()
    return (total() - before) / rounds


def there_and_back(world: World) -> Callable[[], Any]:
    name = world.name("m")
    world.load(name, OLD)

    def round_trip() -> None:
        world.update(name, NEW)
        world.update(name, OLD)

    return round_trip


def failing(world: World) -> Callable[[], Any]:
    name = world.name("m")
    world.load(name, OLD)

    def round_trip() -> None:
        with pytest.raises(rebottle.ExecutionError):
            world.update(name, BROKEN)

    return round_trip


def undone(world: World) -> Callable[[], Any]:
    name = world.name("m")
    world.load(name, OLD)

    def round_trip() -> None:
        world.update(name, NEW).rollback()
        world.write(name, OLD)

    return round_trip


def hotfixed(world: World) -> Callable[[], Any]:
    name = world.name("m")
    world.load(name, OLD)
    return lambda: rebottle.hotfix(
        f"import {name}\ndef alive(self): return True\n{name}.Player.alive = property(alive)\n"
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [there_and_back, failing, undone, hotfixed])
def test_updates_leave_no_references_behind(world: World, kind: Callable[[World], Callable[[], Any]]) -> None:
    assert growth(kind(world)) < 0.5
