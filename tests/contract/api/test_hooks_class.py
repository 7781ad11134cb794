"""Section 8: ``__update__(self, old)`` is called for each living instance when the class changed shape."""

from __future__ import annotations

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program

OLD = "SEEN = []\nclass Mix: pass\nclass P:\n    def __init__(self, x): self.x = x\n"
HOOK = "    def __update__(self, old): SEEN.append((self, dict(old)))\n"


def test_it_is_called_for_each_living_instance_with_its_old_values(ab: AB) -> None:
    m, update = ab(OLD)
    one, two = m.P(1), m.P(2)
    update(OLD.replace("self.x = x", "self.x = x; self.y = str(x)") + HOOK, undo=False)
    assert sorted(m.SEEN, key=lambda seen: seen[1]["x"]) == [(one, {"x": 1}), (two, {"x": 2})]


def test_it_gives_what_the_engine_cannot_know(ab: AB) -> None:
    m, update = ab(OLD)
    one = m.P(3)
    report = update(
        OLD.replace("self.x = x", "self.twice = x * 2") + "    def __update__(self, old): self.twice = old['x'] * 2\n",
        undo=False,
    )
    assert one.twice == 6
    assert "missing-attribute" not in report.to_json()


def test_it_is_called_when_slots_changed(ab: AB) -> None:
    text = "SEEN = []\nclass P:\n    __slots__ = ('x',)\n"
    m, update = ab(text)
    one = m.P()
    one.x = 5
    update(text.replace("('x',)", "('x', 'y')") + "    def __update__(self, old): self.y = old['x'] + 1\n", undo=False)
    assert (one.x, one.y) == (5, 6)


def test_it_is_called_when_a_slot_goes(ab: AB) -> None:
    text = "SEEN = []\nclass P:\n    __slots__ = ('x', 'gone')\n"
    m, update = ab(text)
    one = m.P()
    one.x, one.gone = 5, 7
    update(text.replace(", 'gone'", ",") + HOOK, undo=False)
    assert [(one, {"x": 5, "gone": 7})] == m.SEEN


def test_it_is_called_when_bases_changed(ab: AB) -> None:
    m, update = ab(OLD + HOOK)
    one = m.P(1)
    update(OLD.replace("class P:", "class P(Mix):") + HOOK, undo=False)
    assert [(one, {"x": 1})] == m.SEEN


def test_it_is_called_when_a_dataclass_field_is_new(ab: AB) -> None:
    text = "from dataclasses import dataclass\nSEEN = []\n@dataclass(eq=False)\nclass P:\n    x: int\n"
    m, update = ab(text + HOOK)
    one = m.P(1)
    update(text + "    y: int = 2\n" + HOOK, undo=False)
    assert [(one, {"x": 1})] == m.SEEN
    assert one.y == 2


def test_it_is_not_called_when_only_bodies_changed(ab: AB) -> None:
    m, update = ab(OLD + HOOK + "    def f(self): return 1\n")
    one = m.P(1)
    update(OLD + HOOK + "    def f(self): return 2\n", undo=False)
    assert one.f() == 2
    assert m.SEEN == []


def test_it_is_called_for_instances_of_subclasses_elsewhere(program: Program) -> None:
    lib, app = program.load(lib=OLD, app="import @lib@\nclass Q(@lib@.P): pass\n")
    one = app.Q(1)
    program.update({"lib": OLD.replace("class P:", "class P(Mix):") + HOOK}, undo=False)
    assert [(one, {"x": 1})] == lib.SEEN


def test_it_is_called_after_the_commit_and_before_after_update(ab: AB) -> None:
    m, update = ab(OLD + "def version(): return 'old'\n")
    one = m.P(1)
    update(
        OLD.replace("class P:", "class P(Mix):")
        + "    def __update__(self, old): SEEN.append(version())\n"
        + "def version(): return 'new'\n"
        + "def __after_update__(ctx): SEEN.append('after')\n",
        undo=False,
    )
    assert m.SEEN == ["new", "after"]
    assert isinstance(one, m.Mix)


def test_if_it_raises_the_update_is_rolled_back(program: Program) -> None:
    [m] = program.load(m=OLD)
    one = m.P(1)
    new = (
        OLD.replace("class P:", "class P(Mix):") + "    def __update__(self, old):\n        self.z = 1\n        1 / 0\n"
    )
    failure = program.fails({"m": new})
    assert isinstance(failure, rebottle.ExecutionError)
    assert isinstance(failure.__cause__, ZeroDivisionError)
    line = new.splitlines().index("        1 / 0") + 1
    for part in ("P.__update__", f"{m.__file__}, line {line}", "ZeroDivisionError"):
        assert part in str(failure)
    assert vars(one) == {"x": 1}
    assert not isinstance(one, m.Mix)


def test_the_error_names_the_class_of_the_instance(program: Program) -> None:
    m, heirs = program.load(m=OLD, heirs="import @m@\nclass Q(@m@.P): pass\n")
    living = heirs.Q(1)
    error = program.fails(
        {"m": OLD.replace("class P:", "class P(Mix):") + "    def __update__(self, old): 1 / 0\n"},
        rebottle.ExecutionError,
    )
    for part in (f"{m.__name__}.P.__update__", f"{heirs.__name__}.Q", f"{m.__file__}, line"):
        assert part in str(error)
    assert vars(living) == {"x": 1}


def test_rollback_restores_what_it_gave(ab: AB) -> None:
    m, update = ab(OLD)
    one = m.P(3)
    report = update(
        OLD.replace("self.x = x", "self.twice = x * 2")
        + "    def __update__(self, old):\n        self.twice = self.x * 2\n        del self.x\n",
        undo=False,
    )
    assert vars(one) == {"twice": 6}
    report.rollback()
    assert vars(one) == {"x": 3}


def test_the_values_are_those_before_the_update(ab: AB) -> None:
    m, update = ab(OLD)
    one = m.P([1])
    update(OLD.replace("self.x = x", "self.x = x; self.y = 5") + HOOK, undo=False)
    [(seen, old)] = m.SEEN
    assert seen is one
    assert old == {"x": [1]}
    assert old["x"] is one.x
    assert one.y == 5


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_it_is_called_once_for_each(ab: AB, count: int) -> None:
    m, update = ab(OLD)
    many = [m.P(n) for n in range(count)]
    update(OLD.replace("class P:", "class P(Mix):") + HOOK, undo=False)
    assert sorted(old["x"] for _, old in m.SEEN) == list(range(len(many)))
