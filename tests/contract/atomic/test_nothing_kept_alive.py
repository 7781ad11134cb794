"""Section 6.6: no function or class is kept alive but by the program; rollbacks have them all again."""

from __future__ import annotations

import copy
import gc
import types
import weakref
from typing import Any

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program


def living(module: Any, name: str) -> int:
    """How many functions and classes of a module have this qualified name."""
    gc.collect()
    kinds = (types.FunctionType, type)
    every = [each for each in gc.get_objects() if isinstance(each, kinds)]
    return sum(1 for each in every if each.__module__ == module.__name__ and each.__qualname__ == name)


def gone(*references: weakref.ref[Any]) -> bool:
    """Whether all of these have ended."""
    gc.collect()
    return not any(each() for each in references)


def test_a_pruned_function_comes_back_with_all_that_it_had(ab: AB) -> None:
    m, update = ab(
        """
        X = []
        def f(a, b=X, *, c: int = 3) -> str:
            "About f."
            return a, b, c
        f.note = X
        """
    )
    f, code = weakref.ref(m.f), m.f.__code__
    report = update("X = []\n", prune=True)
    assert gone(f)
    report.rollback()
    assert m.f(1) == (1, m.X, 3)
    assert m.f(1)[1] is m.X is m.f.note
    assert m.f.__code__ is code
    assert (m.f.__doc__, m.f.__name__, m.f.__module__) == ("About f.", "f", m.__name__)
    assert m.f.__annotations__ == {"c": int, "return": str}
    assert m.f.__globals__ is vars(m)


def test_what_the_program_holds_stays_the_same_object(ab: AB) -> None:
    m, update = ab("def f(): return 1\nclass C:\n    def g(self): return 1\n")
    f, c, g = m.f, m.C, m.C.g
    report = update("", prune=True)
    assert not hasattr(m, "f")
    report.rollback()
    assert (m.f, m.C, m.C.g) == (f, c, g)
    assert f() == c().g() == 1


def test_what_the_program_lets_go_later_ends_then(ab: AB) -> None:
    m, update = ab("def f(): return 1\nclass C:\n    def g(self): return super().__hash__() and 1\n")
    held: list[Any] = [m.f, m.C()]
    f, c = weakref.ref(m.f), weakref.ref(m.C)
    report = update("", prune=True)
    assert held[0]() == held[1].g() == 1
    held.clear()
    assert gone(f, c)
    report.rollback()
    assert m.f() == m.C().g() == 1
    assert living(m, "f") == living(m, "C") == living(m, "C.g") == 1


def test_a_class_comes_back_with_all_kinds_of_members(ab: AB) -> None:
    text = """
        class Base:
            def hello(self): return "base"
        class C(Base):
            "About C."
            count = 0
            x: int = 1
            def __init__(self, n=2): self.n = n
            def hello(self): return "C " + super().hello()
            @property
            def double(self): return 2 * self.n
            @double.setter
            def double(self, value): self.n = value // 2
            @classmethod
            def make(cls): return cls(7)
            @staticmethod
            def plain(a): return a + 1
            def __eq__(self, other): return self.n == other.n
            def __init_subclass__(cls): cls.count += 1
            class Inner:
                def who(self): return __class__
        """
    m, update = ab(text)
    references = [weakref.ref(each) for each in (m.Base, m.C, m.C.hello, m.C.Inner, m.C.Inner.who)]
    members = list(vars(m.C))
    report = update("", prune=True)
    assert gone(*references)
    report.rollback()
    one = m.C()
    assert one.hello() == "C base"
    one.double = 10
    assert (one.n, one.double) == (5, 10)
    assert (type(m.C.make()), m.C.make().n, m.C.plain(1)) == (m.C, 7, 2)
    assert one == m.C(5)
    assert m.C.__hash__ is None
    assert m.C.Inner().who() is m.C.Inner
    assert (m.C.__qualname__, m.C.__module__, m.C.__doc__) == ("C", m.__name__, "About C.")
    assert m.C.__annotations__ == {"x": int}
    assert m.C.__bases__ == (m.Base,)
    assert list(vars(m.C)) == members
    type("Sub", (m.C,), {})
    assert m.C.count == 0
    assert copy.copy(one).n == 5


def test_instances_hold_their_class(ab: AB) -> None:
    m, update = ab("class C:\n    def g(self): return 1\n")
    one, c = m.C(), m.C
    report = update("", prune=True)
    report.rollback()
    assert m.C is c is type(one)
    assert one.g() == 1


@pytest.mark.parametrize("how", ["prune", "_del_func"])
def test_a_removed_method_ends_and_comes_back(ab: AB, how: str) -> None:
    mark = "    _del_func = True\n" if how == "_del_func" else ""
    text = f"class C:\n{mark}    def f(self): return super().__hash__() and 1\n    def g(self): return 2\n"
    m, update = ab(text)
    f = weakref.ref(m.C.f)
    report = update(f"class C:\n{mark}    def g(self): return 2\n", prune=how == "prune")
    assert gone(f)
    assert not hasattr(m.C, "f")
    report.rollback()
    assert m.C().f() == 1


@pytest.mark.parametrize(
    "other", ["f = 5\n", "class f: pass\n", "f = [1]\n", "import os as f\n", "f = property(lambda self: 1)\n"]
)
def test_a_function_that_became_something_else(ab: AB, other: str) -> None:
    m, update = ab("def f(): return 'old'\n")
    f = weakref.ref(m.f)
    report = update(other, policy="replace")
    assert gone(f) or callable(m.f)
    report.rollback()
    assert m.f() == "old"
    assert m.f.__name__ == "f"


def test_a_class_that_became_something_else(ab: AB) -> None:
    m, update = ab("class C:\n    def g(self): return __class__\n")
    c = weakref.ref(m.C)
    report = update("C = 5\n", policy="replace")
    assert gone(c)
    report.rollback()
    assert m.C().g() is m.C


def test_a_class_whose_builtin_base_changed(ab: AB) -> None:
    m, update = ab("class C(int):\n    def g(self): return 'int'\n")
    c = weakref.ref(m.C)
    report = update("class C(list):\n    def g(self): return 'list'\n")
    assert m.C().g() == "list"
    assert gone(c)
    report.rollback()
    assert m.C(3).g() == "int"
    assert m.C(3) == 3


DECORATED = """
    import functools
    def deco(f):
        @functools.wraps(f)
        def wrapper(*args): return "wrapped", f(*args)
        return wrapper
    @deco
    def f(a): return a
    class C:
        @deco
        def g(self): return __class__
    """


def test_decorated_functions_end_with_what_they_wrap(ab: AB) -> None:
    m, update = ab(DECORATED)
    inner = [weakref.ref(each) for each in (m.f, m.f.__wrapped__, m.C.g, m.C.g.__wrapped__, m.C)]
    report = update("", prune=True)
    assert gone(*inner)
    report.rollback()
    assert m.f(1) == ("wrapped", 1)
    assert m.C().g() == ("wrapped", m.C)
    assert m.f.__wrapped__(2) == 2
    assert m.f.__closure__[0].cell_contents is m.f.__wrapped__


def test_a_decorator_that_is_taken_off_leaves_nothing(ab: AB) -> None:
    m, update = ab(DECORATED)
    wrapped = weakref.ref(m.f.__wrapped__)
    f = m.f
    report = update(DECORATED.replace("@deco\n    def f", "def f"))
    assert m.f is f
    assert m.f(1) == 1
    assert gone(wrapped)
    report.rollback()
    assert m.f is f
    assert m.f(1) == ("wrapped", 1)
    assert m.f.__wrapped__(1) == 1


def test_caches_and_partials_end_with_what_they_call(ab: AB) -> None:
    m, update = ab(
        """
        import functools
        @functools.lru_cache
        def f(a): return a + 1
        def g(a, b): return a, b
        p = functools.partial(g, 1)
        """
    )
    inner = [weakref.ref(each) for each in (m.f.__wrapped__, m.g)]
    report = update("import functools\n", prune=True)
    assert gone(*inner)
    report.rollback()
    assert m.f(1) == 2
    assert m.p(2) == (1, 2)
    assert m.p.func is m.g


def test_properties_end_with_their_functions(ab: AB) -> None:
    m, update = ab("class C:\n    @property\n    def x(self): return 1\n    @staticmethod\n    def s(): return 2\n")
    x, s = weakref.ref(m.C.x.fget), weakref.ref(m.C.s)
    report = update("class C: pass\n", prune=True)
    assert gone(x, s)
    report.rollback()
    assert (m.C().x, m.C.s()) == (1, 2)


def test_a_function_that_calls_itself_by_its_cell(ab: AB) -> None:
    m, update = ab(
        """
        def make():
            def f(n): return 1 if n == 0 else n * f(n - 1)
            def other(): return f
            return f, other
        f, other = make()
        """
    )
    f, other = weakref.ref(m.f), weakref.ref(m.other)
    report = update("", prune=True)
    assert gone(f, other)
    report.rollback()
    assert m.f(5) == 120
    assert m.other() is m.f
    assert m.f.__closure__[0] is m.other.__closure__[0]


def test_cells_that_come_and_go_are_not_mixed_up(ab: AB) -> None:
    lines = [f"f{n} = (lambda c: (lambda: (c, c.__name__)))(type('C{n}', (), {{}}))\n" for n in range(12)]
    m, update = ab("".join(lines))
    reports = []
    for n in range(12):
        reports.append(update("".join(lines[n + 1 :]), prune=True, undo=False))
        gc.collect()
    for n in reversed(range(12)):
        reports[n].rollback()
    assert [getattr(m, f"f{n}")()[1] for n in range(12)] == [f"C{n}" for n in range(12)]


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
