"""Section 4: what abstract classes and protocols answered before doesn't outlive an update."""

from __future__ import annotations

import collections.abc

import pytest

from tests.contract.api.scenario import AB

DOOR = """
from typing import Protocol, runtime_checkable
@runtime_checkable
class Closes(Protocol):
    def close(self): ...
class Door:
    def open(self): return 1
    {MEMBER}
"""
CLOSE = "def close(self): return 2"


@pytest.mark.parametrize(("before", "after"), [("", CLOSE), (CLOSE, "")], ids=["gained", "lost"])
def test_protocols_see_members_that_come_and_go(ab: AB, before: str, after: str) -> None:
    m, update = ab(DOOR.replace("{MEMBER}", before))
    door = m.Door()
    assert isinstance(door, m.Closes) is bool(before)
    assert issubclass(m.Door, m.Closes) is bool(before)
    report = update(DOOR.replace("{MEMBER}", after), prune=True)
    assert isinstance(door, m.Closes) is bool(after)
    assert issubclass(m.Door, m.Closes) is bool(after)
    report.rollback()
    assert isinstance(door, m.Closes) is bool(before)
    assert issubclass(m.Door, m.Closes) is bool(before)


def test_structural_answers_go_back_with_a_rollback(ab: AB) -> None:
    m, update = ab("class Bag:\n    pass\n")

    class Sub(m.Bag):  # type: ignore[name-defined,misc]
        pass

    bag, sub = m.Bag(), Sub()
    assert not isinstance(sub, collections.abc.Sized)
    report = update("class Bag:\n    def __len__(self): return 3\n")
    assert isinstance(bag, collections.abc.Sized)
    assert isinstance(sub, collections.abc.Sized)
    report.rollback()
    assert not isinstance(bag, collections.abc.Sized)
    assert not isinstance(sub, collections.abc.Sized)


HOOK = """
import abc
class Duck(abc.ABC):
    @classmethod
    def __subclasshook__(cls, other): return hasattr(other, "quack")
class Bird:
    quack = 1
class Fish:
    swim = 1
"""


def test_an_edited_subclasshook_is_asked_again(ab: AB) -> None:
    m, update = ab(HOOK)
    bird, fish = m.Bird(), m.Fish()
    assert isinstance(bird, m.Duck)
    assert not isinstance(fish, m.Duck)
    report = update(HOOK.replace('other, "quack"', 'other, "swim"'))
    assert not isinstance(bird, m.Duck)
    assert isinstance(fish, m.Duck)
    report.rollback()
    assert isinstance(bird, m.Duck)
    assert not isinstance(fish, m.Duck)


SHAPE = """
import abc
class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...
class Square(Shape):
    def area(self): return 1
"""
NAMED = SHAPE.replace("class Square", "    @abc.abstractmethod\n    def name(self): ...\nclass Square")


def test_an_abstract_method_comes_goes_and_comes_again(ab: AB) -> None:
    m, update = ab(SHAPE)
    report = update(NAMED)
    with pytest.raises(TypeError, match="name"):
        m.Square()
    undone = report.rollback()
    assert m.Square().area() == 1
    undone.rollback()
    with pytest.raises(TypeError, match="name"):
        m.Square()
