"""Section 4: special methods, what class creation gives, ``super()`` and ``__class__``."""

from __future__ import annotations

import operator

import pytest

from tests.contract.api.scenario import AB

EMPTY = "class V:\n    n = 2\n"


@pytest.mark.parametrize(
    ("method", "use", "result"),
    [
        ("__add__(self, other): return self.n + other", lambda v: v + 1, 3),
        ("__radd__(self, other): return other * 10", lambda v: 1 + v, 10),
        ("__iadd__(self, other): return 'i'", lambda v: operator.iadd(v, 1), "i"),
        ("__len__(self): return 7", len, 7),
        ("__bool__(self): return False", bool, False),
        ("__getitem__(self, key): return key * 2", lambda v: v[4], 8),
        ("__contains__(self, key): return key == 5", lambda v: 5 in v, True),
        ("__iter__(self): yield from (1, 2)", list, [1, 2]),
        ("__call__(self, x): return -x", lambda v: v(3), -3),
        ("__repr__(self): return 'V!'", repr, "V!"),
        ("__str__(self): return 'S!'", str, "S!"),
        ("__format__(self, spec): return spec + '!'", lambda v: f"{v:x}", "x!"),
        ("__int__(self): return 9", int, 9),
        ("__index__(self): return 1", lambda v: "ab"[v], "b"),
        ("__lt__(self, other): return True", lambda v: v < v, True),
        ("__eq__(self, other): return True", lambda v: v == 1, True),
        ("__hash__(self): return 42", hash, 42),
        ("__neg__(self): return 'neg'", operator.neg, "neg"),
        ("__matmul__(self, other): return 'mat'", lambda v: v @ v, "mat"),
        ("__getattr__(self, name): return name", lambda v: v.anything, "anything"),
        ("__enter__(self): return 'in'", lambda v: type(v).__enter__(v), "in"),
        ("__reversed__(self): return [3]", reversed, [3]),
        ("__dir__(self): return ['z']", dir, ["z"]),
        ("__round__(self, n=None): return 'r'", round, "r"),
    ],
)
def test_operators_and_builtins_follow_a_new_special_method(ab: AB, method: str, use: object, result: object) -> None:
    m, update = ab(EMPTY)
    value = m.V()
    update(f"{EMPTY}    def {method}\n")
    assert callable(use)
    assert use(value) == result


@pytest.mark.parametrize(
    ("method", "use"),
    [
        ("__len__(self): return {}", len),
        ("__call__(self): return {}", lambda v: v()),
        ("__add__(self, other): return {}", lambda v: v + 1),
        ("__getitem__(self, key): return {}", lambda v: v[0]),
        ("__hash__(self): return {}", hash),
    ],
)
def test_operators_and_builtins_follow_a_changed_special_method(ab: AB, method: str, use: object) -> None:
    m, update = ab(f"class V:\n    def {method.format(1)}\n")
    value = m.V()
    assert callable(use)
    assert use(value) == 1
    update(f"class V:\n    def {method.format(2)}\n")
    assert use(value) == 2


def test_operators_follow_a_removed_special_method(ab: AB) -> None:
    m, update = ab(EMPTY + "    def __len__(self): return 3\n")
    value = m.V()
    update(EMPTY, prune=True)
    with pytest.raises(TypeError):
        len(value)


def test_operators_follow_in_subclasses(ab: AB) -> None:
    m, update = ab(EMPTY + "class W(V): pass\n")
    value = m.W()
    update(EMPTY + "    def __len__(self): return 3\nclass W(V): pass\n")
    assert len(value) == 3


def test_a_new_new_and_init_are_used(ab: AB) -> None:
    m, update = ab("class V: pass\n")
    update("""
        class V:
            def __new__(cls, n):
                it = super().__new__(cls)
                it.made = n
                return it
            def __init__(self, n): self.n = n
        """)
    value = m.V(4)
    assert (value.made, value.n) == (4, 4)


def test_a_new_eq_makes_the_class_unhashable(ab: AB) -> None:
    m, update = ab(EMPTY)
    value = m.V()
    hash(value)
    update(EMPTY + "    def __eq__(self, other): return True\n")
    assert value == 1
    assert m.V.__hash__ is None
    with pytest.raises(TypeError):
        hash(value)


def test_a_new_eq_beside_hash_leaves_the_class_hashable(ab: AB) -> None:
    m, update = ab(EMPTY)
    value = m.V()
    update(EMPTY + "    def __eq__(self, other): return True\n    def __hash__(self): return 5\n")
    assert hash(value) == 5


def test_a_new_init_subclass_is_an_implicit_classmethod(ab: AB) -> None:
    m, update = ab(EMPTY)
    update(EMPTY + "    def __init_subclass__(cls, **kw): cls.tag = kw\n")
    made = type("Made", (m.V,), {}, colour="red")
    assert vars(made)["tag"] == {"colour": "red"}


def test_a_new_class_getitem_is_an_implicit_classmethod(ab: AB) -> None:
    m, update = ab(EMPTY)
    update(EMPTY + "    def __class_getitem__(cls, item): return (cls, item)\n")
    assert m.V[int] == (m.V, int)


def test_a_changed_init_subclass_holds_for_later_classes(ab: AB) -> None:
    text = "class V:\n    def __init_subclass__(cls): cls.tag = 'old'\nclass W(V): pass\n"
    m, update = ab(text)
    update(text.replace("'old'", "'new'"))
    assert vars(type("Later", (m.V,), {}))["tag"] == "new"


def test_match_args_follow(ab: AB) -> None:
    text = "class P:\n    __match_args__ = ('x', 'y')\n    def __init__(self): self.x, self.y = 1, 2\n"
    m, update = ab(text)
    point = m.P()
    update(text.replace("('x', 'y')", "('y', 'x')"))
    match point:
        case m.P(first, second):
            assert (first, second) == (2, 1)
        case _:
            raise AssertionError("no match")


def test_a_new_abstract_method_makes_base_and_subclasses_abstract(ab: AB) -> None:
    text = "from abc import ABC, abstractmethod\nclass V(ABC):\n    n = 1\n"
    m, update = ab(text + "class W(V): pass\n")
    living = m.W()
    update(text + "    @abstractmethod\n    def do(self): ...\nclass W(V): pass\n")
    assert m.V.__abstractmethods__ == m.W.__abstractmethods__ == frozenset({"do"})
    with pytest.raises(TypeError):
        m.W()
    assert isinstance(living, m.V)


def test_an_abstract_method_that_becomes_concrete_can_be_made(ab: AB) -> None:
    head = "from abc import ABC, abstractmethod\nclass V(ABC):\n"
    m, update = ab(head + "    @abstractmethod\n    def do(self): ...\n")
    update(head + "    def do(self): return 1\n")
    assert m.V().do() == 1
    assert m.V.__abstractmethods__ == frozenset()


def test_a_subclass_that_implements_is_concrete(ab: AB) -> None:
    head = "from abc import ABC, abstractmethod\nclass V(ABC):\n    @abstractmethod\n    def do(self): ...\n"
    m, update = ab(head + "class W(V): pass\n")
    with pytest.raises(TypeError):
        m.W()
    update(head + "class W(V):\n    def do(self): return 2\n")
    assert m.W().do() == 2


SUPER = """
class Base:
    def who(self): return "base"
    @classmethod
    def kind(cls): return "base-kind"
class Child(Base):
    def who(self): return "child+" + super().who()
    def other(self): return "plain"
"""


def test_super_in_an_old_method_goes_on(ab: AB) -> None:
    m, update = ab(SUPER)
    child = m.Child()
    update(SUPER.replace('"base"', '"BASE"'))
    assert child.who() == "child+BASE"


def test_super_in_an_edited_method(ab: AB) -> None:
    m, update = ab(SUPER)
    child = m.Child()
    update(SUPER.replace('"child+"', '"CHILD+"'))
    assert child.who() == "CHILD+base"


def test_super_in_a_method_that_newly_uses_it(ab: AB) -> None:
    m, update = ab(SUPER)
    child, other = m.Child(), m.Child.other
    update(SUPER.replace('return "plain"', "return super().who()"))
    assert child.other() == "base"
    assert m.Child.other is other


def test_super_in_a_new_method_and_classmethod(ab: AB) -> None:
    m, update = ab(SUPER)
    child = m.Child()
    update(SUPER + "    @classmethod\n    def kind(cls): return 'child-' + super().kind()\n")
    assert child.kind() == m.Child.kind() == "child-base-kind"


def test_super_in_a_subclass_elsewhere(ab: AB) -> None:
    m, update = ab(SUPER)
    later = type("Later", (m.Child,), {})()
    update(SUPER.replace('return "plain"', "return super().who()"))
    assert later.other() == "base"


def test_class_cell_in_a_new_method_is_the_class(ab: AB) -> None:
    m, update = ab(SUPER)
    child = m.Child()
    update(SUPER + "    def cell(self): return __class__\n")
    assert child.cell() is m.Child


def test_super_no_longer_used(ab: AB) -> None:
    m, update = ab(SUPER)
    child = m.Child()
    update(SUPER.replace('"child+" + super().who()', '"alone"'))
    assert child.who() == "alone"


def test_super_inside_a_property_and_a_nested_function(ab: AB) -> None:
    m, update = ab(SUPER)
    child = m.Child()
    update(
        SUPER
        + """
    @property
    def name(self):
        def inner(): return super(__class__, self).who()
        return inner() + "/" + super().who()
"""
    )
    assert child.name == "base/base"
