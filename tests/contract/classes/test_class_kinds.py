"""Section 4: attribute kind changes."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.api.scenario import AB

FORMS: dict[str, tuple[str, Callable[[Any], object], object]] = {
    "method": ("    def it(self): return 'method'\n", lambda o: o.it(), "method"),
    "property": ("    @property\n    def it(self): return 'property'\n", lambda o: o.it, "property"),
    "static": ("    @staticmethod\n    def it(): return 'static'\n", lambda o: o.it(), "static"),
    "class": ("    @classmethod\n    def it(cls): return cls.__name__\n", lambda o: o.it(), "Thing"),
    "value": ("    it = 'value'\n", lambda o: o.it, "value"),
    "nested": ("    class it: x = 'nested'\n", lambda o: o.it.x, "nested"),
    "coroutine": ("    async def it(self): return 1\n", lambda o: run(o.it), 1),
    "generator": ("    def it(self): yield 'generator'\n", lambda o: next(o.it()), "generator"),
    "lambda": ("    it = lambda self: 'lambda'\n", lambda o: o.it(), "lambda"),
}
PAIRS = [(old, new) for old in FORMS for new in FORMS if old != new]


def run(function: Callable[[], Any]) -> object:
    """What a coroutine function that never waits returns."""
    return asyncio.run(function())


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_an_attribute_changes_its_kind(ab: AB, old: str, new: str) -> None:
    m, update = ab("class Thing:\n" + FORMS[old][0])
    thing, held = m.Thing(), m.Thing
    assert FORMS[old][1](thing) == FORMS[old][2]
    update("class Thing:\n" + FORMS[new][0], policy="replace")
    assert FORMS[new][1](thing) == FORMS[new][2]
    assert m.Thing is held


@pytest.mark.parametrize("new", ["property", "static", "class", "generator", "coroutine"])
def test_a_method_taken_earlier_is_still_usable(ab: AB, new: str) -> None:
    m, update = ab("class Thing:\n" + FORMS["method"][0])
    bound = m.Thing().it
    update("class Thing:\n" + FORMS[new][0])
    assert callable(bound)


CALLED = {
    "method": "    def it(self, a=0): return 'method', type(self).__name__, a\n",
    "static": "    @staticmethod\n    def it(a=0): return 'static', a\n",
    "class": "    @classmethod\n    def it(cls, a=0): return 'class', cls.__name__, a\n",
}


@pytest.mark.parametrize(
    ("old", "new"), [("static", "class"), ("class", "static"), ("method", "static"), ("method", "class")]
)
def test_holders_go_on_calling_with_the_arguments_that_they_have(ab: AB, old: str, new: str) -> None:
    m, update = ab("class Thing:\n" + CALLED[old] + "class Heir(Thing): pass\n")
    thing, heir = m.Thing(), m.Heir()
    held = [thing.it, {"it": thing.it}["it"], functools.partial(thing.it, 1), functools.partial(heir.it, a=2)]
    if old != "method":
        held += [m.Thing.it, functools.partial(m.Thing.it, 1)]
    before = [each() for each in held]
    report = update("class Thing:\n" + CALLED[new] + "class Heir(Thing): pass\n")
    for each, former in zip(held, before, strict=True):
        answer = each()
        assert (answer[0], answer[-1]) == (new, former[-1])
    assert thing.it(5) == m.Thing.it(5) == ((new, 5) if new == "static" else (new, "Thing", 5))
    back = report.rollback()
    assert [each() for each in held] == before
    back.rollback()
    assert all(each()[0] == new for each in held)


def test_a_method_that_becomes_a_value_is_listed_as_kind_changed(ab: AB) -> None:
    m, update = ab("class Thing:\n" + FORMS["method"][0])
    held = m.Thing.it
    report = update("class Thing:\n" + FORMS["value"][0])
    assert m.Thing.it == "value"
    assert held(None) == "method"
    assert "kind-changed" in str(report) or "kind-changed" in report.to_json()


def test_an_instance_attribute_that_becomes_a_property_is_read_from_it(ab: AB) -> None:
    m, update = ab("class Thing:\n    def __init__(self): self.size = 1\n")
    thing = m.Thing()
    update(
        "class Thing:\n    def __init__(self): self._size = 1\n    @property\n    def size(self): return 'property'\n"
    )
    assert thing.size == "property"
    assert thing._size == 1


def test_a_property_that_becomes_an_instance_attribute(ab: AB) -> None:
    m, update = ab("class Thing:\n    @property\n    def size(self): return 1\n")
    thing = m.Thing()
    update("class Thing:\n    def __init__(self): self.size = 2\n", prune=True)
    assert m.Thing().size == 2
    assert thing.size == 2
