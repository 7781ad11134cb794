"""Section 4: NamedTuple, TypedDict, Protocol, generics."""

from __future__ import annotations

import typing

import pytest

from tests.contract.api.scenario import AB, named

NT = "from typing import Generic, NamedTuple, Protocol, TypedDict, TypeVar, runtime_checkable\n"


def test_a_method_of_a_named_tuple_changes(ab: AB) -> None:
    text = NT + "class P(NamedTuple):\n    x: int\n    def show(self): return self.x\n"
    m, update = ab(text)
    living, held = m.P(3), m.P
    update(text.replace("return self.x", "return -self.x"))
    assert living.show() == -3
    assert m.P is held
    assert isinstance(living, m.P)


def test_a_default_of_a_named_tuple_follows_the_source(ab: AB) -> None:
    text = NT + "class P(NamedTuple):\n    x: int = 1\n"
    m, update = ab(text)
    living = m.P()
    update(text.replace("= 1", "= 2"))
    assert m.P().x == 2
    assert living.x == 1
    assert m.P._field_defaults == {"x": 2}


def test_a_field_added_to_a_named_tuple_is_there_for_new_ones(ab: AB) -> None:
    text = NT + "class P(NamedTuple):\n    x: int\n"
    m, update = ab(text)
    living = m.P(1)
    report = update(text + "    y: int = 9\n")
    assert named(report.kept, "P", "missing-attribute")
    assert m.P(1, 2) == (1, 2)
    assert m.P._fields == ("x", "y")
    assert m.P(4).y == 9
    assert living.x == 1
    assert isinstance(living, m.P)


def test_a_typed_dict_gets_a_key(ab: AB) -> None:
    text = NT + "class T(TypedDict):\n    x: int\n"
    m, update = ab(text)
    held = m.T
    update(text + "    y: str\n")
    assert m.T is held
    assert held.__annotations__ == {"x": int, "y": str}
    assert held.__required_keys__ == frozenset({"x", "y"})


def test_a_protocol_asks_for_a_new_method(ab: AB) -> None:
    text = NT + "@runtime_checkable\nclass Face(Protocol):\n    def go(self): ...\nclass Car:\n    def go(self): ...\n"
    m, update = ab(text)
    car, held = m.Car(), m.Face
    assert isinstance(car, held)
    update(text.replace("class Car", "    def stop(self): ...\nclass Car"))
    assert m.Face is held
    assert not isinstance(car, held)


def test_a_class_fulfils_a_protocol_after_the_update(ab: AB) -> None:
    text = NT + "@runtime_checkable\nclass Face(Protocol):\n    def go(self): ...\nclass Car: pass\n"
    m, update = ab(text)
    car = m.Car()
    assert not isinstance(car, m.Face)
    update(text.replace("Car: pass", "Car:\n    def go(self): ..."))
    assert isinstance(car, m.Face)


def test_a_class_becomes_generic(ab: AB) -> None:
    text = NT + "T = TypeVar('T')\nclass Box:\n    def get(self): return 1\n"
    m, update = ab(text)
    living, held = m.Box(), m.Box
    update(text.replace("class Box:", "class Box(Generic[T]):"))
    assert m.Box is held
    assert isinstance(living, held)
    assert typing.get_origin(m.Box[int]) is held
    assert m.Box.__parameters__ == (m.T,)
    assert living.get() == 1


def test_generic_edits_renew_orig_bases_and_parameters_in_place(ab: AB) -> None:
    text = NT + "T = TypeVar('T')\nU = TypeVar('U')\nclass Box(Generic[T]): pass\n"
    m, update = ab(text)
    living, held, t = m.Box(), m.Box, m.T
    update(text.replace("Generic[T]", "Generic[T, U]"))
    assert m.Box is held
    assert isinstance(living, held)
    assert m.T is t
    assert held.__parameters__ == (m.T, m.U)
    assert [typing.get_args(base) for base in held.__orig_bases__] == [(m.T, m.U)]
    assert typing.get_args(m.Box[int, str]) == (int, str)


def test_a_parametrised_alias_held_elsewhere_goes_on(ab: AB) -> None:
    text = NT + "T = TypeVar('T')\nclass Box(Generic[T]):\n    def get(self): return 1\n"
    m, update = ab(text)
    alias = m.Box[int]
    update(text.replace("return 1", "return 2").replace("Generic[T]", "Protocol[T]").replace("Protocol", "Generic"))
    assert alias().get() == 2
    assert type(alias()) is m.Box


def test_a_class_gets_type_parameters(ab: AB) -> None:
    m, update = ab("class Box:\n    def get(self): return 1\n")
    living, held = m.Box(), m.Box
    update("class Box[T]:\n    def get(self) -> T: return 2\n")
    assert m.Box is held
    assert living.get() == 2
    assert [each.__name__ for each in m.Box.__type_params__] == ["T"]
    assert typing.get_args(m.Box[int]) == (int,)


def test_a_method_of_a_class_with_type_parameters_changes(ab: AB) -> None:
    m, update = ab("class Box[T]:\n    def get(self) -> T: return 1\n")
    living, [parameter] = m.Box(), m.Box.__type_params__
    update("class Box[T]:\n    def get(self) -> T: return 2\n    def more(self, x: T) -> T: return x\n")
    assert living.get() == 2
    assert living.more(5) == 5
    assert m.Box.__type_params__ == (parameter,)


def test_type_parameters_are_added(ab: AB) -> None:
    m, update = ab("class Box[T]: pass\n")
    living = m.Box()
    update("class Box[T, U]: pass\n")
    assert isinstance(living, m.Box)
    assert [each.__name__ for each in m.Box.__type_params__] == ["T", "U"]
    assert len(m.Box.__parameters__) == 2


def test_a_generic_base_gets_another_argument(ab: AB) -> None:
    text = NT + "T = TypeVar('T')\nclass Box(Generic[T]): pass\nclass IntBox(Box[int]): pass\n"
    m, update = ab(text)
    living, held = m.IntBox(), m.IntBox
    update(text.replace("Box[int]", "Box[str]"))
    assert m.IntBox is held
    assert isinstance(living, held)
    assert held.__orig_bases__ == (m.Box[str],)


def test_an_abstract_class_with_a_generic_base(ab: AB) -> None:
    text = NT + "from abc import ABC, abstractmethod\nT = TypeVar('T')\nclass Repo(ABC, Generic[T]):\n    n = 1\n"
    m, update = ab(text)
    held = m.Repo
    update(text + "    @abstractmethod\n    def find(self): ...\n")
    assert m.Repo is held
    with pytest.raises(TypeError):
        m.Repo()


def test_a_class_is_generic_no_more(ab: AB) -> None:
    m, update = ab("class Box[T]:\n    def get(self): return T\n")
    living = m.Box()
    update("class Box:\n    def get(self): return 5\n")
    assert living.get() == 5
    assert m.Box.__type_params__ == ()
    assert not hasattr(m.Box, "__parameters__")
    assert not hasattr(m.Box, "__orig_bases__")


def test_a_protocol_is_checked_at_run_time_no_more(ab: AB) -> None:
    text = "from typing import Protocol, runtime_checkable\n%sclass P(Protocol):\n    def f(self): ...\n"
    m, update = ab(text % "@runtime_checkable\n")
    assert not isinstance(3, m.P)
    update(text % "")
    with pytest.raises(TypeError):
        isinstance(3, m.P)
