"""Section 4: instances that are laid out anew, and bases that can't be."""

from __future__ import annotations

import collections
import copy
import gc
import pickle
import weakref
from typing import Any

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program


def slotted(slots: str, body: str = "", head: str = "class P:") -> str:
    """A class with these slots and this body."""
    return f"{head}\n    __slots__ = {slots}\n{body}"


def test_containers_keyed_by_identity_find_their_instances(ab: AB) -> None:
    m, update = ab(slotted("('x', '__weakref__')"))
    many = [m.P() for _ in range(50)]
    table, group, frozen = dict.fromkeys(many, 1), set(many), frozenset(many)
    weak, weak_group = weakref.WeakKeyDictionary(dict.fromkeys(many, 2)), weakref.WeakSet(many)
    pairs = {(each, "key"): 3 for each in many}
    lists: Any = collections.defaultdict(list, {each: [each] for each in many})
    queue, ordered = collections.deque(many), collections.OrderedDict(enumerate(many))
    update(slotted("('a', 'x', '__weakref__')"))
    for number, each in enumerate(many):
        assert (table[each], weak[each], pairs[each, "key"]) == (1, 2, 3)
        assert each in group
        assert each in frozen
        assert each in weak_group
        assert lists[each][0] is queue[number] is ordered[number] is each


def test_running_and_suspended_frames_follow(ab: AB) -> None:
    body = """
    def run(self, update):
        update()
        return self
    def __add__(self, update):
        update()
        return self
    def __getattr__(self, name):
        if name != "magic": raise AttributeError(name)
        self.go()
        return self
    def steps(self):
        yield 1
        yield self
"""
    m, update = ab(slotted("('go',)", body))
    living = m.P()
    steps = living.steps()
    next(steps)
    assert living.run(lambda: update(slotted("('go', 'a')", body))) is living
    assert (living + (lambda: update(slotted("('go', 'a', 'b')", body)))) is living
    living.go = lambda: update(slotted("('go', 'a', 'b', 'c')", body))
    assert living.magic is living
    assert next(steps) is living
    living.go, living.a, living.b, living.c = None, 1, 2, 3
    assert (living.a, living.b, living.c) == (1, 2, 3)


def test_no_destructor_runs(ab: AB) -> None:
    body = "    def __del__(self): ENDED.append(self.x)\n"
    m, update = ab("ENDED = []\n" + slotted("('x',)", body))
    living = m.P()
    living.x = 1
    update("ENDED = []\n" + slotted("('x', 'y')", body)).rollback()
    gc.collect()
    assert m.ENDED == []
    del living
    assert m.ENDED.pop() == 1


def test_copies_and_pickles(ab: AB) -> None:
    m, update = ab(slotted("('x',)"))
    living = m.P()
    living.x = 1
    data = pickle.dumps(living)
    update(slotted("('x', 'y')"))
    living.y = 2
    for each in (copy.copy(living), pickle.loads(pickle.dumps(living))):
        assert (each.x, each.y) == (1, 2)
    assert pickle.loads(data).x == 1


def test_slots_without_any_get_one(ab: AB) -> None:
    m, update = ab(slotted("()"))
    living = m.P()
    held, table = [living], {living: 1}
    update(slotted("('x',)"))
    living.x = 4
    assert held[0] is living
    assert table[living] == 1


def test_weak_references_need_a_place(ab: AB) -> None:
    m, update = ab(slotted("('x', '__weakref__')"))
    living = m.P()
    living.x, weak = 1, weakref.ref(living)
    with pytest.raises(rebottle.RefusedError) as caught:
        update(slotted("('x',)"))
    assert [each.rule for each in caught.value.refusals] == ["class-layout"]
    assert weak() is living
    update(slotted("('x', 'y', '__weakref__')"))
    assert weak() is living


def test_what_had_no_place_comes_back(ab: AB) -> None:
    m, update = ab(slotted("('x', 'y')"))
    living = m.P()
    living.x, living.y = 1, [2]
    back = update(slotted("('x',)"), undo=False).rollback()
    assert (living.x, living.y) == (1, [2])
    back.rollback()
    assert not hasattr(living, "y")


@pytest.mark.parametrize(
    "hook", ["    def __update__(self, old): self.y = 1 / 0\n", "def __after_update__(ctx): 1 / 0\n"]
)
def test_a_hook_that_fails_takes_the_layout_back(ab: AB, hook: str) -> None:
    m, update = ab(slotted("('x',)"))
    living = m.P()
    living.x, held = 1, [living]
    with pytest.raises(rebottle.ExecutionError):
        update(slotted("('x', 'y')", hook))
    assert living.x == 1
    assert held[0] is living
    assert type(living) is m.P
    with pytest.raises(AttributeError):
        living.y = 1


def test_a_refused_class_stays_as_a_whole(ab: AB) -> None:
    text = slotted("{}", "    def f(self): return {}\ndef g(): return {}\n", "class P(list):")
    m, update = ab(text.format("('x',)", 1, 1))
    living = m.P([1])
    report = update(text.format("('x', 'y')", 2, 2), on_refusal="partial")
    assert [each.rule for each in report.refusals] == ["class-layout"]
    assert (m.g(), living.f(), living) == (2, 1, [1])


def test_many_layouts_one_after_the_other(ab: AB) -> None:
    text = "class Mix: __slots__ = ()\n" + slotted("{}", "    def f(self): return {}\n", "class P{}:")
    m, update = ab(text.format("", "('x',)", 1))
    living = m.P()
    living.x = 1
    update(text.format("", "('x', 'y')", 2))
    derived = type("Q", (m.P,), {"__slots__": ("z",)})()
    derived.z = 7
    update(text.format("(Mix)", "('x', 'y')", 3))
    living.y = 3
    update(text.format("(Mix)", "('y', 'x', 'w')", 4))
    living.w = derived.w = 9
    assert (living.x, living.y, living.w, living.f()) == (1, 3, 9, 4)
    assert (derived.z, derived.w, derived.f()) == (7, 9, 4)


def test_a_base_with_slots_is_added_and_exchanged(ab: AB) -> None:
    text = "class A: __slots__ = ('a',)\nclass B: __slots__ = ('b',)\nclass C{}:\n    def f(self): return 1\n"
    m, update = ab(text.format(""))
    living = m.C()
    living.z = 3
    update(text.format("(A)"))
    living.a = 2
    update(text.format("(B)"))
    living.b = 1
    assert (living.b, living.z, living.f()) == (1, 3, 1)
    assert isinstance(living, m.B)


def test_no_order_of_bases_for_a_subclass_elsewhere(program: Program) -> None:
    text = "class A: pass\nclass B: pass\nclass P({}): pass\nV = {}\n"
    lib, _ = program.load(
        lib=text.format("A, B", 1), app="from @lib@ import *\nclass Z(A, B): pass\nclass W(P, Z): pass\n"
    )
    error = program.fails({"lib": text.format("B, A", 2)}, rebottle.RefusedError)
    assert [each.rule for each in error.refusals] == ["class-bases"]
    assert lib.V == 1


def test_a_metaclass_with_an_order_of_its_own_is_not_asked(ab: AB) -> None:
    text = """
        CALLS = []
        class Meta(type):
            def mro(cls):
                CALLS.append(cls.__name__)
                return type.mro(cls)
        class Mix: pass
        class C({}metaclass=Meta): pass
        """
    m, update = ab(text.format(""))
    with pytest.raises(rebottle.RefusedError) as caught:
        update(text.format("Mix, "))
    assert [each.rule for each in caught.value.refusals] == ["class-bases"]
    assert m.C.__bases__ == (object,)


def test_combined_flags_stay_the_same(ab: AB) -> None:
    text = "import enum\nclass F(enum.Flag):\n    A = 1\n    B = 2\n"
    m, update = ab(text)
    both = m.F.A | m.F.B
    update(text + "    C = 4\n")
    assert (m.F.A | m.F.B) is both
    assert (m.F.A | m.F.C).value == 5


def look(cls: Any) -> tuple[object, ...]:
    """An instance that was used, and what the class is made from."""
    it = cls()
    it.x, it.w = 1, 2
    return it.x, it.w, cls.__base__, cls.__bases__, cls.__mro__, sorted(vars(cls)), cls.__basicsize__


@pytest.mark.parametrize("slots", ["x = None", "__slots__ = ('x', 'y', '__dict__')"])
def test_a_class_that_becomes_a_subclass_is_laid_out_like_its_new_base(program: Program, slots: str) -> None:
    """Its former instances, too; and once more after a rollback."""
    lib = "class A:\n    {}\nclass B(A):\n    def __init__(self, y=1): self.y = y\n"
    app = "import @lib@ as lib\nclass C{}:\n    w = 1\nclass D(C): pass\nc = C()\nc.w = 5\n"
    other = "x = None" if slots != "x = None" else "__slots__ = ('x', 'y', '__dict__')"
    module, m = program.load(lib=lib.format(slots), app=app.format(""))
    before = [look(cls) for cls in (module.A, module.B, m.C, m.D)]
    for _ in range(3):
        report = program.update(
            {"lib": lib.format(other), "app": app.format("(lib.B)")}, policy="replace", prune=True, undo=False
        )
        for cls in (module.B, m.C, m.D):
            assert look(cls)[:2] == (1, 2)
            assert cls.__base__ in cls.__bases__ or cls.__base__.__name__ == cls.__name__
        m.c.y = 3
        assert (m.c.w, m.c.y, m.C().y) == (5, 3, 1)
        report.rollback()
        assert [look(cls) for cls in (module.A, module.B, m.C, m.D)] == before
        program.update({"lib": lib.format(slots), "app": app.format("")}, undo=False)


def test_a_class_made_in_the_update_is_laid_out_like_the_live_base(ab: AB) -> None:
    """And goes back with it, several times."""
    start = "class A: pass\nclass K(A): pass\n"
    slots = "class A: pass\nclass K:\n    __slots__ = ('x', 'y', '__dict__')\nclass New(K): pass\n"
    m, update = ab(start)
    for _ in range(2):
        report = update(slots, prune=True)
        assert m.New.__base__ is m.K
        made = look(m.New)
        without = update(start, prune=True)
        assert not hasattr(m, "New")
        without.rollback()
        assert look(m.New) == made
        report.rollback()
        assert not hasattr(m, "New")


def test_bases_of_several_classes_change_after_one_was_laid_out(ab: AB) -> None:
    mixins = "class A: __slots__ = ()\nclass B: __slots__ = ()\n"
    text = mixins + "class K{}:\n    __slots__ = ({})\nclass L{}: pass\n"
    m, update = ab(text.format("", "'x',", ""))
    made = m.K()
    made.x = 1
    update(text.format("", "'x', 'w', '__dict__'", ""))
    update(text.format("(A)", "'x', 'w', '__dict__'", "(B)"))
    update(text.format("(B, A)", "'x', 'w', '__dict__'", "(K)"))
    assert (m.K.__bases__, m.L.__bases__) == ((m.B, m.A), (m.K,))
    assert look(m.L)[:2] == look(m.K)[:2] == (1, 2)


def test_a_failure_after_instances_were_laid_out_and_completed_leaves_them_as_they_were(program: Program) -> None:
    lib = "class A:\n    {}\ndef f(): return {}\n"
    app = "import @lib@ as lib\nclass C{}:\n    def __init__(self): {}\nc = C()\n"
    slots = "__slots__ = ('x', 'y', 'z', '__dict__')"
    _, m = program.load(lib=lib.format(slots, 1), app=app.format("", "self.w = 1"))
    for first, second in [("w = 1", "(lib.A)"), (slots.replace("'z'", "'w', 'z'"), "(lib.A)")]:
        texts = {
            "lib": lib.format(first, 2),
            "app": app.format(second, "self.w = 1; self.y = 7") + "lib.f().nothing\n",
        }
        program.fails(texts)
        assert vars(m.c) == {"w": 1}
        assert not hasattr(m.c, "y")
        assert m.C.__bases__ == (object,)


def test_a_class_that_is_changed_at_the_commit_may_be_laid_out_twice(program: Program) -> None:
    """With its former base, and then without it."""
    lib = "class A:\n    {}\nclass B{}:\n    {}\n"
    app = "import @lib@ as lib\nclass C(lib.{}):\n    def __init__(self): self.x = {}\nc = C()\n"
    module, m = program.load(lib=lib.format("w = 1", "(A)", "v = 1"), app=app.format("A", 1))
    slots = "__slots__ = ('x', 'y', 'z', '__dict__')"
    for _ in range(2):
        report = program.update(
            {"lib": lib.format(slots, "", "def __bool__(self): return False"), "app": app.format("B", 2)}, undo=False
        )
        assert "run-at-commit" in [each.kind for each in report.changes]
        assert m.C.__mro__ == (m.C, module.B, object)
        assert (m.c.x, m.C().x, bool(m.c)) == (1, 2, False)
        assert vars(m.c) == {"x": 1}
        report.rollback()
        assert m.C.__mro__ == (m.C, module.A, object)
        assert (m.c.x, m.C().x, bool(m.c)) == (1, 1, True)
        program.update({"lib": lib.format("w = 1", "(A)", "v = 1"), "app": app.format("A", 1)}, undo=False)
