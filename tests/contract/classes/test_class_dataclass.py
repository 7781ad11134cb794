"""Section 4: dataclasses."""

from __future__ import annotations

import dataclasses

import pytest

from tests.contract.api.scenario import AB

HEAD = "from dataclasses import dataclass\n"


def data(fields: str, options: str = "") -> str:
    """A dataclass ``D`` with these fields, one to a line."""
    body = "".join(f"    {line}\n" for line in fields.split("; "))
    return f"from dataclasses import dataclass, field\n@dataclass{options}\nclass D:\n{body}"


@pytest.mark.parametrize(
    "options", ["", "(frozen=True)", "(slots=True)", "(frozen=True, slots=True)", "(kw_only=True)"]
)
def test_a_field_with_a_default_appears_on_living_instances(ab: AB, options: str) -> None:
    m, update = ab(data("x: int = 1", options))
    living, held = m.D(x=5), m.D
    update(data("x: int = 1; y: int = 2", options))
    assert m.D is held
    assert isinstance(living, m.D)
    assert (living.x, living.y) == (5, 2)
    assert repr(living) == "D(x=5, y=2)"
    assert living == m.D(x=5, y=2)
    assert dataclasses.replace(living, y=3) == m.D(x=5, y=3)
    assert dataclasses.asdict(living) == {"x": 5, "y": 2}


@pytest.mark.parametrize("options", ["", "(frozen=True)", "(slots=True)"])
def test_a_field_with_a_factory_appears_each_its_own(ab: AB, options: str) -> None:
    m, update = ab(data("x: int", options))
    one, two = m.D(1), m.D(2)
    update(data("x: int; bag: list = field(default_factory=list)", options))
    assert one.bag == two.bag == []
    assert one.bag is not two.bag
    assert repr(one) == "D(x=1, bag=[])"


def test_fields_and_match_args_follow(ab: AB) -> None:
    m, update = ab(data("x: int"))
    update(data("x: int; y: int = 0"))
    assert [each.name for each in dataclasses.fields(m.D)] == ["x", "y"]
    assert m.D.__match_args__ == ("x", "y")
    assert m.D.__annotations__ == {"x": int, "y": int}


def test_a_field_that_goes(ab: AB) -> None:
    m, update = ab(data("x: int = 1; y: int = 2"))
    living = m.D(5, 6)
    update(data("x: int = 1"))
    assert repr(living) == "D(x=5)"
    assert living == m.D(5)
    with pytest.raises(TypeError):
        m.D(1, 2)


def test_a_changed_default_follows_the_source(ab: AB) -> None:
    m, update = ab(data("x: int = 1"))
    old = m.D()
    update(data("x: int = 2"))
    assert m.D().x == m.D.x == 2
    assert old.x == 1


def test_fields_in_another_order(ab: AB) -> None:
    m, update = ab(data("x: int = 1; y: int = 2"))
    living = m.D(5, 6)
    update(data("y: int = 2; x: int = 1"))
    assert repr(living) == "D(y=6, x=5)"
    assert m.D(7) == m.D(y=7, x=1)


def test_the_option_order_is_added(ab: AB) -> None:
    m, update = ab(data("x: int"))
    small, large = m.D(1), m.D(2)
    update(data("x: int", "(order=True)"))
    assert small < large


def test_frozen_comes(ab: AB) -> None:
    m, update = ab(data("x: int"))
    living = m.D(1)
    update(data("x: int", "(frozen=True)"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        living.x = 2
    assert hash(living) == hash(m.D(1))


def test_a_plain_class_becomes_a_dataclass(ab: AB) -> None:
    m, update = ab("class D:\n    def __init__(self, x): self.x = x\n")
    living, held = m.D(4), m.D
    update(data("x: int"))
    assert m.D is held
    assert repr(living) == "D(x=4)"
    assert living == m.D(4)


def test_a_method_of_a_dataclass_changes_without_running_the_decorator(ab: AB) -> None:
    text = "RUNS = []\ndef deco(cls):\n    RUNS.append(cls.__name__)\n    return dataclass(cls)\n"
    source = (
        "from dataclasses import dataclass\n" + text + "@deco\nclass D:\n    x: int = 1\n    def f(self): return 1\n"
    )
    m, update = ab(source)
    living = m.D()
    update(source.replace("return 1\n", "return 2\n"))
    assert living.f() == 2
    assert m.RUNS == ["D"]


def test_post_init_is_added_for_later_instances(ab: AB) -> None:
    m, update = ab(data("x: int"))
    update(data("x: int; def __post_init__(self): self.x *= 10"))
    assert m.D(2).x == 20


def test_a_dataclass_of_a_dataclass(ab: AB) -> None:
    child = "@dataclass\nclass E(D):\n    z: int = 9\n"
    m, update = ab(data("x: int = 1") + child)
    living = m.E()
    update(data("x: int = 1; y: int = 2") + child)
    assert living.y == 2
    assert isinstance(living, m.D)


def test_slots_come_to_a_dataclass(ab: AB) -> None:
    m, update = ab(data("x: int"))
    living = m.D(3)
    update(data("x: int", "(slots=True)"))
    assert living.x == 3
    assert repr(living) == "D(x=3)"
    assert m.D.__slots__ == ("x",)
    with pytest.raises(AttributeError):
        m.D(1).other = 2


def test_a_field_that_is_gone_takes_its_default_along(ab: AB) -> None:
    m, update = ab(f"{HEAD}@dataclass\nclass P:\n    x: int\n    y: int = 2\n")
    living = m.P(1)
    report = update(f"{HEAD}@dataclass\nclass P:\n    x: int\n")
    assert repr(living) == "P(x=1)"
    assert not hasattr(m.P, "y")
    report.rollback()
    assert (repr(living), m.P.y) == ("P(x=1, y=2)", 2)


def test_a_class_variable_is_no_field_of_instances(ab: AB) -> None:
    m, update = ab(f"{HEAD}@dataclass\nclass P:\n    x: int = 1\n")
    living = m.P()
    text = "from typing import ClassVar\n@dataclass\nclass P:\n    n: ClassVar[int] = 5\n    x: int = 1\n"
    update(HEAD + text)
    assert (living.n, vars(living)) == (5, {"x": 1})


def test_what_the_decorator_implied_goes_with_it(ab: AB) -> None:
    m, update = ab(f"{HEAD}@dataclass\nclass P:\n    x: int = 1\n")
    living = m.P()
    update(f"{HEAD}class P:\n    def __init__(self, x=1): self.x = x\n")
    assert hash(living) == object.__hash__(living)
    assert living != m.P()
