"""Section 6.6: no function or class is kept alive but by the program; rollbacks have them all again."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

import pytest

from tests.contract.api.scenario import AB
from tests.contract.atomic.alive import gone, living


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
