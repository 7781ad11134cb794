"""Section 4: several classes of one family change in one update."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import AB, Program, places

CROSSED = """
class X:
    def name(self): return "X"
class Y:
    def name(self): return "Y"
class A({BASES}): pass
class B(A, {BASES}): pass
"""


def test_bases_of_a_class_and_of_its_subclass_are_reordered(ab: AB) -> None:
    m, update = ab(CROSSED.replace("{BASES}", "X, Y"))
    living = m.B()
    report = update(CROSSED.replace("{BASES}", "Y, X"))
    assert [each.__name__ for each in m.B.__mro__] == ["B", "A", "Y", "X", "object"]
    assert living.name() == "Y"
    report.rollback()
    assert [each.__name__ for each in m.B.__mro__] == ["B", "A", "X", "Y", "object"]
    assert living.name() == "X"


def test_a_class_and_its_base_change_places(ab: AB) -> None:
    m, update = ab("class A:\n    def a(self): return 1\nclass B(A):\n    def b(self): return 2\n")
    a, b = m.A(), m.B()
    update("class B:\n    def b(self): return 2\nclass A(B):\n    def a(self): return 1\n")
    assert m.A.__mro__ == (m.A, m.B, object)
    assert (a.a(), a.b(), b.b()) == (1, 2, 2)
    assert not hasattr(b, "a")


def test_a_new_metaclass_is_that_of_subclasses_too(program: Program) -> None:
    base, sub = program.load(base="class A:\n    pass\n", sub="from @base@ import A\nclass B(A):\n    pass\n")
    made = sub.B()
    report = program.update({"base": "class Meta(type):\n    size = 3\nclass A(metaclass=Meta):\n    pass\n"})
    assert type(base.A) is type(sub.B) is base.Meta
    assert sub.B.size == 3
    assert isinstance(made, base.A)
    assert places(report.kept) >= {"B"}, "what the metaclass would have done for it wasn't done"
    report.rollback()
    assert type(sub.B) is type


def test_a_class_that_becomes_abstract_has_subclasses_with_answers_of_their_own(ab: AB) -> None:
    m, update = ab("class A: pass\nclass B(A): pass\nclass C(A): pass\n")
    update("import abc\nclass A(abc.ABC): pass\nclass B(A): pass\nclass C(A): pass\n")
    m.B.register(int)
    assert isinstance(1, m.B)
    assert isinstance(1, m.A)
    assert not isinstance(1, m.C)


ERRORS = "class Broken({BASE}):\n    pass\ndef fail(): raise Broken('x')\n"


@pytest.mark.parametrize("base", [KeyError, LookupError, RuntimeError])
def test_an_exception_in_hand_follows_to_another_built_in_base(ab: AB, base: type[Exception]) -> None:
    m, update = ab(ERRORS.replace("{BASE}", "ValueError"))
    held, error = m.Broken, m.Broken("text")
    update(ERRORS.replace("{BASE}", base.__name__))
    assert m.Broken is held
    assert isinstance(error, base)
    assert not isinstance(error, ValueError)
    assert str(error) == str(base("text"))
    with pytest.raises(base):
        m.fail()
    with pytest.raises(held):
        raise error


def test_an_exception_with_other_storage_is_replaced(ab: AB) -> None:
    m, update = ab(ERRORS.replace("{BASE}", "ValueError"))
    held, error = m.Broken, m.Broken("text")
    report = update(ERRORS.replace("{BASE}", "OSError"))
    assert issubclass(m.Broken, OSError)
    assert type(error) is held is not m.Broken
    assert [change.kind for change in report.changes if change.where.endswith(".Broken")] == ["class-replaced"]


SLOTS = "class Base:\n    __slots__ = ('a',)\n    def __init__(self): self.a = 1\n"
MORE = SLOTS.replace("('a',)", "('a', 'b')").replace("self.a = 1", "self.a = 1; self.b = []")


def test_a_slot_of_a_base_goes_again_from_instances_with_a_dict(ab: AB) -> None:
    m, update = ab(SLOTS)

    class Sub(m.Base):  # type: ignore[name-defined,misc]
        pass

    living = Sub()
    living.c = 3
    report = update(MORE)
    assert (living.a, living.b, living.c) == (1, [], 3)
    report.rollback()
    assert (living.a, living.c) == (1, 3)
    assert vars(living) == {"c": 3}


def test_a_class_run_aside_has_the_new_version_of_an_imported_base(program: Program) -> None:
    head = "from dataclasses import dataclass, field\n"
    base, sub = program.load(
        base=f"{head}@dataclass\nclass B:\n    a: int = 1\n",
        sub=f"{head}from @base@ import B\n@dataclass\nclass S(B):\n    c: int = 3\n",
    )
    b, s = base.B(), sub.S()
    program.update(
        {
            "sub": f"{head}from @base@ import B\n@dataclass\nclass S(B):\n    c: int = 3\n    d: int = 4\n",
            "base": f"{head}@dataclass\nclass B:\n    a: int = 1\n    b: list = field(default_factory=list)\n",
        }
    )
    assert repr(b) == "B(a=1, b=[])"
    assert repr(s) == "S(a=1, b=[], c=3, d=4)"
    assert repr(sub.S()) == repr(s)
    assert isinstance(s, base.B)
