"""Section 6.6: objects that an update added, and that somebody holds, go on working after its rollback."""

from __future__ import annotations

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program

THING = """
class Thing:
    def __init__(self, x):
        self.x = x
        self.items = []
        self.items.append(x)
        self.table = {}
        self.table["x"] = x
        self.table["more"] = {"deep": {}}
        self.table["more"]["deep"]["x"] = x
        self.items.append({})
        self.items[1]["x"] = x
    def all(self): return self.x, self.items, self.table["x"], self.table["more"]["deep"]["x"]
"""


@pytest.mark.parametrize("known", [True, False], ids=["class known", "class new"])
def test_an_instance_has_its_attributes(ab: AB, known: bool) -> None:
    m, update = ab(THING if known else "")
    report = update(THING + "p = Thing(3)\n")
    held = m.p
    report.rollback()
    assert not hasattr(m, "p")
    assert held.all() == (3, [3, {"x": 3}], 3, 3)


def test_what_a_hotfix_made(program: Program) -> None:
    [m] = program.load(m=THING + "REGISTRY = []\nNAMES = {}\n")
    name = m.__name__
    report = rebottle.hotfix(f"import {name} as m\nm.p = m.Thing(3)\nm.REGISTRY.append(m.p)\nm.NAMES['p'] = m.p\n")
    held = m.p
    report.rollback()
    assert not hasattr(m, "p")
    assert m.REGISTRY == []
    assert m.NAMES == {}
    assert held.all() == (3, [3, {"x": 3}], 3, 3)


def test_what_was_there_before_goes_back(ab: AB) -> None:
    text = THING + "OLD = Thing(1)\nREGISTRY = []\nNAMES = {}\nEMPTY = {}\nCOUNTS = {'a': 1}\n"
    m, update = ab(text)
    report = update(
        text
        + """
p = Thing(3)
REGISTRY.append(p)
NAMES["p"] = p
EMPTY["p"] = p
EMPTY["n"] = 1
COUNTS["p"] = 1
OLD.friend = p
OLD.items.append(p)
OLD.table["p"] = p
OLD.table["more"]["deep"]["p"] = {"p": p}
p.friend = OLD
p.items.append(OLD.table)
"""
    )
    held = m.p
    report.rollback()
    assert (m.REGISTRY, m.NAMES, m.EMPTY, m.COUNTS) == ([], {}, {}, {"a": 1})
    assert vars(m.OLD) == {"x": 1, "items": [1, {"x": 1}], "table": {"x": 1, "more": {"deep": {"x": 1}}}}
    assert held.all() == (3, [3, {"x": 3}, m.OLD.table], 3, 3)
    assert held.friend is m.OLD


def test_what_only_a_new_object_has_now_is_no_new_object(ab: AB) -> None:
    text = THING + "OLD = Thing(1)\n"
    m, update = ab(text)
    table, items = m.OLD.table, m.OLD.items
    report = update(
        text
        + """
p = Thing(3)
p.table, OLD.table = OLD.table, {}
p.table["y"] = 1
p.items, OLD.items = OLD.items, []
p.items.append(1)
"""
    )
    assert table["y"] == items[-1] == 1
    report.rollback()
    assert m.OLD.table is table
    assert m.OLD.items is items
    assert m.OLD.all() == (1, [1, {"x": 1}], 1, 1)
    assert "y" not in table


def test_a_rollback_taken_back_has_them_again(ab: AB) -> None:
    m, update = ab(THING + "REGISTRY = []\n")
    undone = update(THING + "REGISTRY = []\np = Thing(3)\nREGISTRY.append(p)\n").rollback()
    assert m.REGISTRY == []
    undone.rollback()
    assert [m.p] == m.REGISTRY
    assert m.p.all() == (3, [3, {"x": 3}], 3, 3)


def test_generic_aliases_go_on(ab: AB) -> None:
    head = "from abc import ABC\nfrom typing import Generic, TypeVar\nT = TypeVar('T')\nU = TypeVar('U')\n"
    one = head + "class R(ABC, Generic[T]): pass\nclass I(R[int]): pass\n"
    two = head + "class R(ABC, Generic[T, U]): pass\nclass I(R[int, str]): pass\n"
    m, update = ab(one)
    for _ in range(2):
        report = update(two)
        assert m.I.__orig_bases__ == (m.R[int, str],)
        report.rollback()
        assert m.I.__orig_bases__ == (m.R[int],)
