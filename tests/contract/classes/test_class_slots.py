"""Section 4: ``__slots__``."""

from __future__ import annotations

import ctypes
import gc
import weakref

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program, named


def slotted(names: str, body: str = "") -> str:
    """A class with these slots."""
    return f"class P:\n    __slots__ = {names}\n    def show(self): return self.x\n{body}"


def test_a_slot_added_works_with_living_instances(ab: AB) -> None:
    m, update = ab(slotted("('x',)"))
    living = m.P()
    living.x = 1
    update(slotted("('x', 'y')"))
    living.y = 2
    assert (living.x, living.y, living.show()) == (1, 2, 1)
    assert isinstance(living, m.P)
    assert type(living) is m.P


def test_a_slot_added_is_not_set_at_first(ab: AB) -> None:
    m, update = ab(slotted("('x',)"))
    living = m.P()
    update(slotted("('x', 'y')"))
    assert not hasattr(living, "y")
    with pytest.raises(AttributeError):
        living.z = 1


def test_a_slot_removed_keeps_the_other_values(ab: AB) -> None:
    m, update = ab(slotted("('x', 'y')"))
    living = m.P()
    living.x, living.y = 1, 2
    update(slotted("('x',)"))
    assert living.x == 1
    with pytest.raises(AttributeError):
        m.P().y = 3


def test_reordered_slots_keep_their_values(ab: AB) -> None:
    m, update = ab(slotted("('x', 'y', 'z')"))
    living = m.P()
    living.x, living.y, living.z = 1, 2, 3
    update(slotted("('z', 'x', 'y')"))
    assert (living.x, living.y, living.z) == (1, 2, 3)


def test_renamed_slots(ab: AB) -> None:
    m, update = ab(slotted("('x', 'old')"))
    living = m.P()
    living.x, living.old = 1, 2
    update(slotted("('x', 'new')"))
    living.new = 5
    assert (living.x, living.new) == (1, 5)


def test_slots_come_to_a_class_that_had_none(ab: AB) -> None:
    m, update = ab("class P:\n    def __init__(self): self.x = 1\n")
    living = m.P()
    update("class P:\n    __slots__ = ('x', 'y')\n    def __init__(self): self.x = 1\n")
    assert living.x == 1
    with pytest.raises(AttributeError):
        m.P().other = 1


def test_slots_go_from_a_class(ab: AB) -> None:
    m, update = ab(slotted("('x',)"))
    living = m.P()
    living.x = 1
    update("class P:\n    def show(self): return self.x\n")
    living.anything = 2
    assert (living.show(), living.anything) == (1, 2)


def test_every_visible_holder_has_the_instance_with_the_new_slot(ab: AB) -> None:
    m, update = ab(slotted("('x',)"))
    one = m.P()
    one.x = 1
    items, table, pair = [one], {"p": one}, (one,)
    m.GLOBAL = one
    bound = one.show
    update(slotted("('x', 'y')"))
    items[0].y = 7
    assert table["p"].y == pair[0].y == m.GLOBAL.y == bound.__self__.y == one.y == 7
    assert items[0] is table["p"] is pair[0] is m.GLOBAL is bound.__self__ is one


def test_the_report_says_when_the_identity_moved(ab: AB) -> None:
    m, update = ab(slotted("('x',)"))
    living = m.P()
    number = id(living)
    report = update(slotted("('x', 'y')"))
    assert id(living) == number or "id()" in report.to_json() + str(report)


def test_slots_in_a_base_change_for_subclasses(ab: AB) -> None:
    child = "class Q(P):\n    __slots__ = ('q',)\n"
    m, update = ab(slotted("('x',)") + child)
    living = m.Q()
    living.x, living.q = 1, 2
    update(slotted("('x', 'y')") + child)
    living.y = 3
    assert (living.x, living.q, living.y) == (1, 2, 3)


def test_subclasses_in_another_module(program: Program) -> None:
    lib, app = program.load(lib=slotted("('x',)"), app="from @lib@ import P\nclass Q(P):\n    pass\n")
    living = app.Q()
    living.x, living.free = 1, 2
    program.update({"lib": slotted("('x', 'y')")})
    living.y = 3
    assert (living.x, living.free, living.y) == (1, 2, 3)
    assert isinstance(living, lib.P)


def test_a_slot_with_weakref_and_dict(ab: AB) -> None:
    m, update = ab(slotted("('x',)"))
    living = m.P()
    living.x = 1
    update(slotted("('x', '__dict__')"))
    living.free = 2
    assert (living.x, living.free) == (1, 2)


def test_only_a_method_of_a_slotted_class_changes(ab: AB) -> None:
    m, update = ab(slotted("('x',)"))
    living, member = m.P(), vars(m.P)["x"]
    living.x = 3
    update(slotted("('x',)").replace("return self.x", "return -self.x"))
    assert living.show() == -3
    assert vars(m.P)["x"] is member


def test_a_hidden_holder_is_refused_with_the_place(ab: AB) -> None:
    m, update = ab(slotted("('x',)"))
    living = m.P()
    living.x, number = 1, id(living)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(living))
    refusals = []
    try:
        update(slotted("('x', 'y')"))
    except rebottle.RefusedError as error:
        refusals = list(error.refusals)
    assert all("P" in refusal.where for refusal in refusals)
    assert living.show() == 1
    assert id(living) == number
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(living))


def test_after_the_rollback_the_slot_is_gone(ab: AB) -> None:
    m, update = ab(slotted("('x',)"))
    living = m.P()
    living.x = 1
    update(slotted("('x', 'y')")).rollback()
    gc.collect()
    assert living.x == 1
    assert type(living) is m.P
    with pytest.raises(AttributeError):
        living.y = 2


def test_many_instances_keep_their_values(ab: AB) -> None:
    m, update = ab(slotted("('x',)"))
    many = [m.P() for _ in range(500)]
    for number, each in enumerate(many):
        each.x = number
    update(slotted("('w', 'x', 'y')"))
    assert [each.x for each in many] == list(range(500))
    assert {type(each) for each in many} == {m.P}


def test_what_has_no_place_in_new_slots_is_listed_and_comes_back(ab: AB) -> None:
    m, update = ab("class A:\n    def __init__(self): self.x = 1\n")
    living = m.A()
    living.extra = [1]
    report = update("class A:\n    __slots__ = ('x',)\n    def __init__(self): self.x = 1\n")
    assert living.x == 1
    assert named(report.kept, "A", "lost-attribute", "'extra'", "__update__")
    report.rollback()
    assert vars(living) == {"x": 1, "extra": [1]}


def test_what_an_update_binds_to_living_instances_follows_their_move(program: Program) -> None:
    text = "class P:\n    __slots__ = ('x',)\np = P()\nheld = [p]\nclass K:\n    a = 1\n"
    [m] = program.load(m=text)
    more = "    b = p\n    def f(self, d=p): return d\nalias = p\ntable = {p: 1}\ndef g(*, k=p): return k\n"
    program.update({"m": text.replace("('x',)", "('x', 'y')") + more})
    m.p.y = 2
    assert all(each is m.p for each in (m.alias, *m.held, *m.table, m.K.b, m.K().f(), m.g()))


def test_a_slot_that_a_dataclass_has_no_more(ab: AB) -> None:
    text = "@dataclass(slots=True)\nclass P:\n    x: int = 1\n    y: int = 2\np = P(3)\n"
    text = "from dataclasses import dataclass\n" + text
    m, update = ab(text)
    update(text.replace("    y: int = 2\n", ""))
    assert repr(m.p) == "P(x=3)"
    assert not hasattr(m.p, "y")


@pytest.mark.parametrize("kind", ["plain", "dataclass"])
def test_values_of_slots_that_become_attributes_with_a_default_in_the_class(ab: AB, kind: str) -> None:
    if kind == "plain":
        body = "    %s\n    def __init__(self, a, b):\n        self.a = a\n        self.b = b\n"
        old, new = "class K:\n" + body % "__slots__ = ('a', 'b')", "class K:\n" + body % "b = 5"
    else:
        head = "from dataclasses import dataclass\n@dataclass%s\nclass K:\n    a: int\n    b: int = 5\n"
        old, new = head % "(slots=True, frozen=True)", head % ""
    m, update = ab(old)
    living = m.K(1, 2)
    update(new)
    assert vars(living) == {"a": 1, "b": 2}
    assert m.K.b == 5
    assert not hasattr(m.K, "__slots__")
    assert "__setstate__" not in vars(m.K)
    rebottle.rollback()
    assert (living.a, living.b) == (1, 2)
    assert not hasattr(living, "__dict__")


def test_slots_come_back_although_instances_got_new_attributes_meanwhile(ab: AB) -> None:
    m, update = ab("class K:\n    __slots__ = ('a',)\n    def __init__(self): self.a = 1\n")
    living = m.K()
    report = update("class K:\n    def __init__(self):\n        self.a = 1\n        self.b = []\n")
    assert (living.a, living.b, weakref.ref(living)()) == (1, [], living)
    back = report.rollback()
    assert (living.a, hasattr(living, "b"), hasattr(living, "__dict__")) == (1, False, False)
    back.rollback()
    assert (living.a, living.b) == (1, [])


def test_slots_that_leave_no_room_for_weak_references_come_twice(ab: AB) -> None:
    head = "from dataclasses import dataclass\n@dataclass%s\nclass K:\n    a: int = 1\n"
    m, update = ab(head % "")
    living = m.K()
    report = update(head % "(slots=True)" + "    b: int = 2\n")
    back = report.rollback()
    again = back.rollback()
    assert (living.a, living.b) == (1, 2)
    again.rollback()
    assert vars(living) == {"a": 1}
