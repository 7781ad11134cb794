"""What an update writes into objects leaves them sound."""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import ModuleType
from typing import Any

import rebottle
from tests.conftest import World

Start = Callable[[str], tuple[ModuleType, Callable[..., rebottle.Report]]]


def test_a_table_of_plain_values_that_gets_containers_is_collected(ab: Start) -> None:
    m, update = ab("TABLE = {'a': 1}\n")
    assert not gc.is_tracked(m.TABLE)
    update("TABLE = {'a': [1]}\n", policy="replace")
    assert m.TABLE == {"a": [1]}
    assert gc.is_tracked(m.TABLE)


def test_the_namespace_of_an_instance_can_be_a_table(ab: Start) -> None:
    source = """
        class Config:
            def __init__(self):
                self.a = 1
                self.b = 2
        config = Config()
        TABLE = vars(config)
    """
    m, update = ab(source)
    report = update(source.replace("vars(config)", "dict(a=10, b=20, c=30)"), policy="replace")
    assert m.TABLE == {"a": 10, "b": 20, "c": 30}
    assert (m.config.a, m.config.b) in {(1, 2), (10, 20)}
    report.rollback()
    assert (m.config.a, m.config.b) == (1, 2)
    del m.config
    gc.collect()
    assert m.TABLE["a"] == 1


def test_attributes_of_an_instance_made_while_its_class_is_run_aside(ab: Start) -> None:
    source = """
        def tag(cls): return cls
        @tag
        class Player:
            def __init__(self):
                self.health = 1
                self.name = "a"
        old = Player()
    """
    new = """
        def tag(cls): return cls
        @tag
        class Player:
            speed = 3
            def __init__(self):
                self.rank = "r"
                self.name = "b"
                self.health = 2
                self.extra = [1]
        old = Player()
        made = [Player() for _ in range(3)]
    """
    m, update = ab(source)
    holders = [m.old for _ in range(50)]
    update(new)
    for each in m.made:
        assert type(each) is m.Player
        assert vars(each) == {"rank": "r", "name": "b", "health": 2, "extra": [1]}
        assert (each.rank, each.name, each.health, each.extra) == ("r", "b", 2, [1])
        each.later = 5
        assert each.later == 5
    assert holders[0].health == 1
    assert holders[0].name == "a"


def test_call_sites_of_a_class_follow_an_initializer_of_another_kind(ab: Start) -> None:
    source = """
        class Point:
            def __init__(self, x): self.x = x
        def make(x): return Point(x).x
    """
    m, update = ab(source)
    for i in range(100):
        m.make(i)
    update(source.replace("self, x): self.x = x", "self, x, *, y=3, **rest): self.x = (x, y, rest)"))
    assert m.make(7) == (7, 3, {})


def test_references_in_attributes_go_back_after_the_attributes_moved(ab: Start) -> None:
    source = """
        def wrap(f):
            return f
        class Holder: pass
        holders = [Holder() for _ in range(20)]
        @wrap
        def job(): return 1
        for each in holders:
            each.first = job
            each.second = 2
    """
    m, update = ab(source)
    report = update(
        source.replace("            return f", "            return lambda: f() + 10").replace(
            "@wrap", "@wrap  # again\n        @wrap"
        )
    )
    for i, each in enumerate(m.holders):
        vars(each)
        each.__dict__.update({f"n{i}": i for i in range(40)})
    report.rollback()
    gc.collect()
    for each in m.holders:
        assert each.first() == 1
        assert each.second == 2


def test_a_frame_in_a_snippet_of_long_ago_still_has_its_globals(world: World) -> None:
    m = world.load(world.name("m"), "def job():\n    yield 1\n")
    rebottle.hotfix(
        f"import {m.__name__}\nword = 'first'\ndef job():\n    while True: yield word\n{m.__name__}.job = job\n"
    )
    running = m.job()
    assert next(running) == "first"
    for i in range(40):
        rebottle.hotfix(
            f"import {m.__name__}\nword = {i}\ndef job():\n    while True: yield word\n{m.__name__}.job = job\n"
        )
    gc.collect()
    junk: list[Any] = [{str(j): j for j in range(20)} for _ in range(1000)]
    assert next(running) == "first"
    assert len(junk) == 1000
    assert next(m.job()) == 39


def test_what_the_history_holds_is_no_part_of_the_program(ab: Start) -> None:
    m, _ = ab("import functools\n@functools.lru_cache\ndef f(x): return x\nheld = [f]\n")
    snippet = f"import {m.__name__} as m\ndef wrap(f):\n    return lambda x: f(x) + 1\nm.f = wrap(m.f)\n"

    def lists() -> int:
        gc.collect()
        return sum(type(each) is list for each in gc.get_objects())

    rebottle.hotfix(snippet).rollback()
    before = lists()
    for _turn in range(8):
        rebottle.hotfix(snippet).rollback()
    assert lists() - before < 50
