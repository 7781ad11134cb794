"""Section 6.6: no function or class is kept alive but by the program; tables, aliases and several updates."""

from __future__ import annotations

import gc
import weakref

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program
from tests.contract.atomic.alive import gone, living


def test_a_table_that_only_the_history_has_keeps_no_function(ab: AB) -> None:
    m, update = ab("def f(): return 1\ndef g(): return 2\nTABLE = {'f': f, 'more': [g, (f,)]}\n")
    f, g = weakref.ref(m.f), weakref.ref(m.g)
    report = update("", prune=True)
    assert gone(f, g)
    report.rollback()
    assert m.TABLE["f"] is m.f is m.TABLE["more"][1][0]
    assert m.TABLE["more"][0]() == 2


def test_a_table_that_the_program_has_stays_as_it_is(ab: AB) -> None:
    m, update = ab("def f(): return 1\nTABLE = {'f': f}\n")
    table, f = m.TABLE, m.f
    report = update("", prune=True)
    assert table == {"f": f}
    report.rollback()
    assert m.TABLE is table
    assert m.TABLE["f"] is m.f is f


def test_an_entry_of_a_dispatch_table(ab: AB) -> None:
    m, update = ab("def f(): return 1\ndef g(): return 2\nTABLE = {'f': f, 'g': g}\n")
    table, f = m.TABLE, weakref.ref(m.f)
    report = update("def g(): return 2\nTABLE = {'g': g}\n", policy="merge", prune=True)
    assert gone(f)
    assert table == {"g": m.g}
    report.rollback()
    assert m.TABLE is table
    assert table["f"] is m.f
    assert table["f"]() == 1


def test_two_updates_undone_in_order_with_the_function_dead_between(ab: AB) -> None:
    text = "def f(a={0}): return a, {0}\nclass C:\n    def g(self): return {0}\n"
    m, update = ab(text.format(1))
    first = update(text.format(2), undo=False)
    second = update("", prune=True, undo=False)
    gc.collect()
    second.rollback()
    assert m.f() == (2, 2)
    assert m.C().g() == 2
    first.rollback()
    assert m.f() == (1, 1)
    assert m.C().g() == 1
    assert living(m, "f") == living(m, "C") == living(m, "C.g") == 1


def test_a_cascade_with_the_function_dead_between(ab: AB) -> None:
    text = "def f(a={0}): return a, {0}\nclass C:\n    x = {0}\n    def g(self): return {0}\n"
    m, update = ab(text.format(1))
    first = update(text.format(2), policy="replace", undo=False)
    update("", prune=True, undo=False)
    gc.collect()
    undone = first.rollback(cascade=True)
    assert (m.f(), m.C().g(), m.C.x) == ((1, 1), 1, 1)
    again = undone.rollback()
    assert not hasattr(m, "f")
    gc.collect()
    again.rollback()
    assert (m.f(), m.C().g(), m.C.x) == ((1, 1), 1, 1)


def test_a_rollback_of_a_rollback_takes_it_out_again(ab: AB) -> None:
    m, update = ab("def f(): return 1\nclass C:\n    def g(self): return __class__\n")
    report = update("", prune=True)
    gc.collect()
    for _ in range(3):
        undone = report.rollback()
        assert m.f() == 1
        assert m.C().g() is m.C
        f, c = weakref.ref(m.f), weakref.ref(m.C)
        report = undone.rollback()
        assert not hasattr(m, "f")
        assert gone(f, c)
    report.rollback()
    assert m.f() == 1


def test_what_a_rolled_back_update_added_ends(ab: AB) -> None:
    m, update = ab("X = 1\n")
    added = "X = 1\ndef f(): return g\ndef g(): return C\nclass C:\n    def h(self): return f\n"
    report = update(added)
    references = [weakref.ref(each) for each in (m.f, m.g, m.C, m.C.h)]
    undone = report.rollback()
    assert gone(*references)
    assert not hasattr(m, "f")
    undone.rollback()
    assert m.f() is m.g
    assert m.C().h() is m.f


def test_aliases_in_two_modules_become_one_function_again(program: Program) -> None:
    m, n = program.load(m="def f(): return 1\nclass C: pass\n", n="from @m@ import f, C\nalias, more = f, [f]\n")
    f, c = weakref.ref(m.f), weakref.ref(m.C)
    report = program.update({"m": "", "n": ""}, prune=True)
    assert gone(f, c)
    report.rollback()
    assert m.f is n.f is n.alias is n.more[0]
    assert m.C is n.C
    assert living(m, "f") == living(m, "C") == 1


def test_two_updates_that_took_out_two_names_of_one_function(ab: AB) -> None:
    m, update = ab("def f(): return 1\ng = f\n")
    f = weakref.ref(m.f)
    first = update("g = None\ndef f(): return 1\n", policy="replace", undo=False)
    second = update("g = None\n", prune=True, policy="replace", undo=False)
    assert gone(f)
    second.rollback()
    assert m.f() == 1
    first.rollback()
    assert m.g is m.f


def test_classes_in_annotations_defaults_and_cells_end_as_well(ab: AB) -> None:
    m, update = ab(
        """
        class C: pass
        def f(a: C, b=C) -> C: return a
        def make(c):
            def inner(): return c
            return inner
        inner = make(C)
        """
    )
    c, f = weakref.ref(m.C), weakref.ref(m.f)
    report = update("", prune=True)
    assert gone(c, f)
    report.rollback()
    assert m.f.__annotations__ == {"a": m.C, "return": m.C}
    assert m.f.__defaults__ == (m.C,)
    assert m.inner() is m.C


def test_a_class_that_goes_in_a_later_update_than_the_function_that_names_it(ab: AB) -> None:
    m, update = ab("class C: pass\ndef f(a: C = C): return a\n")
    c, f = weakref.ref(m.C), weakref.ref(m.f)
    first = update("class C: pass\n", prune=True, undo=False)
    assert gone(f)
    second = update("", prune=True, undo=False)
    assert gone(c)
    second.rollback()
    first.rollback()
    assert m.f() is m.C is m.f.__annotations__["a"]


def test_a_method_that_goes_before_its_class(ab: AB) -> None:
    m, update = ab("class C:\n    def f(self): return __class__\n    def g(self): return 1\n")
    c, f = weakref.ref(m.C), weakref.ref(m.C.f)
    first = update("class C:\n    def g(self): return 1\n", prune=True, undo=False)
    assert gone(f)
    second = update("", prune=True, undo=False)
    assert gone(c)
    second.rollback()
    assert m.C().g() == 1
    first.rollback()
    assert m.C().f() is m.C


def test_an_edited_method_doesnt_hold_its_class(ab: AB) -> None:
    text = "class C:\n    def f(self): return super().__hash__() and {0}\n    def g(self): return {0}\n"
    m, update = ab(text.format(1))
    first = update(text.format(2) + "    x = 1\n", undo=False)
    c = weakref.ref(m.C)
    second = update("", prune=True, undo=False)
    assert gone(c)
    second.rollback()
    assert (m.C().f(), m.C().g(), m.C.x) == (2, 2, 1)
    first.rollback()
    assert (m.C().f(), m.C().g()) == (1, 1)
    assert not hasattr(m.C, "x")


def test_a_base_that_goes(ab: AB) -> None:
    m, update = ab("class A:\n    def a(self): return 1\nclass B: pass\nclass C(A, B): pass\n")
    a, one = weakref.ref(m.A), m.C()
    report = update("class B: pass\nclass C(B): pass\n", prune=True)
    assert gone(a)
    assert not hasattr(one, "a")
    report.rollback()
    assert m.C.__bases__ == (m.A, m.B)
    assert one.a() == 1


def test_a_class_that_another_class_makes_stays_as_it_is(ab: AB) -> None:
    m, update = ab("class Meta(type): pass\nclass C(metaclass=Meta):\n    def g(self): return __class__\n")
    c = m.C
    report = update("class Meta(type): pass\n", prune=True)
    report.rollback()
    assert m.C is c
    assert m.C().g() is m.C


def test_a_function_of_a_hotfix_ends_with_it(program: Program) -> None:
    [m] = program.load(m="def f(): return 1\nTABLE = {'f': f}\n")
    f = m.f
    report = rebottle.hotfix(f"import {m.__name__} as m\ndef extra(): return 5\nm.extra = extra\ndel m.TABLE['f']\n")
    extra = weakref.ref(m.extra)
    report.rollback()
    assert gone(extra)
    assert {"f": f} == m.TABLE


def test_what_statements_registered_ends(program: Program) -> None:
    [r, m] = program.load(r="ALL = []\n", m="import @r@ as r\n")
    report = program.update({"m": "import @r@ as r\ndef f(): return 1\nr.ALL.append(f)\nr.last = f\n"}, undo=False)
    f = weakref.ref(m.f)
    assert [m.f] == r.ALL
    undone = report.rollback()
    assert gone(f)
    assert (r.ALL, hasattr(r, "last")) == ([], False)
    undone.rollback()
    assert r.ALL == [m.f] == [r.last]


def test_objects_with_weak_references_are_never_seen_without_their_functions(ab: AB) -> None:
    m, update = ab(
        """
        import weakref
        class Hook:
            def __init__(self, f): self.f = f
        ALL = weakref.WeakSet()
        def f(): return 1
        hook = Hook(f)
        ALL.add(hook)
        """
    )
    report = update(
        "import weakref\nclass Hook:\n    def __init__(self, f): self.f = f\nALL = weakref.WeakSet()\n", prune=True
    )
    assert [each.f() for each in m.ALL] in ([], [1])
    report.rollback()
    assert m.hook.f() == 1


def test_decorators_that_are_objects_end_with_what_they_call(ab: AB) -> None:
    m, update = ab(
        """
        class Deco:
            def __init__(self, f): self.f = f
            def __call__(self): return self.f()
        @Deco
        def f(): return 1
        """
    )
    f = weakref.ref(m.f.f)
    report = update(
        "class Deco:\n    def __init__(self, f): self.f = f\n    def __call__(self): return self.f()\n", prune=True
    )
    assert gone(f)
    report.rollback()
    assert m.f() == 1


def test_a_rollback_that_is_refused_holds_nothing(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    report = update("", prune=True, undo=False)
    with rebottle.hold(), pytest.raises(rebottle.RefusedError):
        report.rollback()
    assert not hasattr(m, "f")
    report.rollback()
    f = weakref.ref(m.f)
    del m.f
    assert gone(f)
