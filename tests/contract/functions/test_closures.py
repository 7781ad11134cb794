"""Contract 3: nested functions and closures made earlier run the new inner body with their own cells."""

from __future__ import annotations

from typing import Any

import pytest

import rebottle
from tests.contract.api.scenario import named


def test_closures_made_earlier_run_the_new_body_with_their_own_cells(ab: Any) -> None:
    a = "def make(n):\n    def inner(x): return n + x\n    return inner\n"
    m, update = ab(a)
    closures = [m.make(n) for n in range(3)]
    report = update(a.replace("n + x", "n * 10 + x"))
    assert [c(1) for c in closures] == [1, 11, 21]
    assert m.make(3)(1) == 31
    report.rollback()
    assert [c(1) for c in closures] == [1, 2, 3]


def test_closures_that_share_a_cell_go_on_sharing_it(ab: Any) -> None:
    a = """
        def make():
            n = 0
            def up():
                nonlocal n
                n += 1
            def get(): return n
            return up, get
    """
    m, update = ab(a)
    up, get = m.make()
    up()
    update(a.replace("n += 1", "n += 10"))
    up()
    assert get() == 11


def test_functions_nested_several_deep_follow(ab: Any) -> None:
    a = "def a(x):\n    def b(y):\n        def c(z): return x + y + z\n        return c\n    return b\n"
    m, update = ab(a)
    b = m.a(1)
    c = b(2)
    update(a.replace("x + y + z", "(x, y, z)"))
    assert c(3) == b(2)(3) == m.a(1)(2)(3) == (1, 2, 3)


def test_an_edit_of_the_outer_function_only_leaves_closures_made_earlier_as_they_are(ab: Any) -> None:
    a = "def make(n):\n    n += 1\n    def inner(): return n\n    return inner\n"
    m, update = ab(a)
    inner = m.make(1)
    update(a.replace("n += 1", "n += 100"))
    assert (inner(), m.make(1)()) == (2, 101)


def test_cells_are_matched_by_name_when_the_free_variables_change(ab: Any) -> None:
    a = "def make(a, b, c):\n    def inner(): return a, b\n    inner.keep = lambda: (a, b, c)\n    return inner\n"
    m, update = ab(a)
    inner = m.make(1, 2, 3)
    report = update(a.replace("return a, b\n", "return b, a, b\n"))
    assert inner() == (2, 1, 2)
    update(a.replace("return a, b\n", "return b\n"))
    assert inner() == 2
    rebottle.rollback()
    report.rollback()
    assert inner() == (1, 2)


def test_fewer_free_variables_and_none_at_all(ab: Any) -> None:
    a = "def make(a, b):\n    def inner(): return a, b\n    return inner\n"
    m, update = ab(a)
    inner = m.make(1, 2)
    report = update(a.replace("return a, b", "return 'none'"))
    assert inner() == "none"
    report.rollback()
    assert inner() == (1, 2)


@pytest.mark.parametrize("literal", ["5", "'text'", "None", "(1, 2)", "-1"])
def test_a_variable_that_the_enclosing_function_binds_once_to_a_literal_is_supplied(ab: Any, literal: str) -> None:
    a = "def make(n):\n    def inner(): return n\n    return inner\n"
    m, update = ab(a)
    inner = m.make(1)
    report = update(f"def make(n):\n    extra = {literal}\n    def inner(): return n, extra\n    return inner\n")
    assert inner() == (1, eval(literal))
    assert m.make(2)() == (2, eval(literal))
    report.rollback()
    assert inner() == 1


NOT_SUPPLIED = {
    "a parameter": "def make(n, extra=7):\n    def inner(): return n, extra\n    return inner\n",
    "a call's result": "def make(n):\n    extra = len('abc')\n    def inner(): return n, extra\n    return inner\n",
    "bound twice": "def make(n):\n    extra = 1\n    extra = 2\n    def inner(): return n, extra\n    return inner\n",
}


@pytest.mark.parametrize("what", NOT_SUPPLIED)
def test_a_live_closure_that_cannot_be_supplied_keeps_the_old_code_and_is_listed(ab: Any, what: str) -> None:
    m, update = ab("def make(n):\n    def inner(): return n\n    return inner\n")
    inner = m.make(1)
    report = update(NOT_SUPPLIED[what])
    assert inner() == 1
    assert m.make(1)()[0] == 1
    assert "inner" in str(report)
    assert any("inner" in str(item) for item in (*report.stale, *report.kept))
    report.rollback()
    assert inner() == m.make(1)() == 1


def test_dunder_class_is_supplied_to_an_inner_function_of_a_method(ab: Any) -> None:
    a = """
        class A:
            def m(self): return "A"
        class B(A):
            def m(self):
                def inner(): return "B"
                return inner
    """
    m, update = ab(a)
    inner = m.B().m()
    update(a.replace('return "B"', 'return __class__.__name__ + "!"'))
    assert inner() == m.B().m()() == "B!"


def test_type_parameters_are_supplied_to_a_live_function(ab: Any) -> None:
    m, update = ab("def f[T](x: T): return x\nclass C[K]:\n    def m(self, x: K): return x\n")
    f, it, method = m.f, m.C(), m.C.m
    report = update("def f[T](x: T): return x, T.__name__\nclass C[K]:\n    def m(self, x: K): return x, K.__name__\n")
    assert f(1) == (1, "T")
    assert it.m(1) == method(it, 1) == (1, "K")
    report.rollback()
    assert (f(1), it.m(1)) == (1, 1)


def test_nested_functions_match_by_qualified_name_not_by_position(ab: Any) -> None:
    a = "def make():\n    def one(): return 'one'\n    def two(): return 'two'\n    return one, two\n"
    m, update = ab(a)
    one, two = m.make()
    update("def make():\n    def two(): return 'two 2'\n    def one(): return 'one 2'\n    return one, two\n")
    assert (one(), two()) == ("one 2", "two 2")


def test_an_inner_function_that_is_gone_goes_on_working_for_who_holds_it(ab: Any) -> None:
    m, update = ab("def make(n):\n    def inner(): return n\n    return inner\n")
    inner = m.make(1)
    update("def make(n):\n    return n\n")
    assert inner() == 1
    assert m.make(2) == 2


def test_literal_defaults_of_a_live_nested_function_follow(ab: Any) -> None:
    a = "def make(n):\n    def inner(x=1, *, y=2): return n, x, y\n    return inner\n"
    m, update = ab(a)
    inner = m.make(0)
    report = update(a.replace("x=1", "x=10").replace("y=2", "y='b'"))
    assert inner() == m.make(0)() == (0, 10, "b")
    report.rollback()
    assert inner() == (0, 1, 2)


def test_a_nested_function_whose_default_is_no_literal_any_more_keeps_the_old_code_and_is_listed(ab: Any) -> None:
    m, update = ab("def make(n):\n    def inner(x=1): return n, x\n    return inner\n")
    inner = m.make(0)
    report = update("def make(n):\n    def inner(x=str(n)): return 'new', n, x\n    return inner\n")
    assert inner() == (0, 1)
    assert m.make(0)() == ("new", 0, "0")
    assert any("inner" in str(item) for item in (*report.stale, *report.kept))


def test_an_unchanged_default_of_a_live_closure_is_its_own(ab: Any) -> None:
    a = "def make(n):\n    def inner(x=[n]): return x, 'old'\n    return inner\n"
    m, update = ab(a)
    one, two = m.make(1), m.make(2)
    held = one()[0]
    update(a.replace("'old'", "'new'"))
    assert (one(), two()) == (([1], "new"), ([2], "new"))
    assert one()[0] is held


def test_an_inner_generator_or_coroutine_function_follows(ab: Any) -> None:
    a = "def make(n):\n    def inner():\n        yield n\n    return inner\n"
    m, update = ab(a)
    inner = m.make(1)
    update(a.replace("yield n", "yield n\n        yield 'more'"))
    assert list(inner()) == [1, "more"]


def test_lambdas_and_comprehensions_inside_functions_follow(ab: Any) -> None:
    a = "def make(n): return lambda x: [n + i + x for i in range(2)]\n"
    m, update = ab(a)
    held = m.make(1)
    update(a.replace("n + i + x", "(n, i, x)"))
    assert held(5) == [(1, 0, 5), (1, 1, 5)]


def test_classes_made_inside_functions_follow_in_their_method_bodies(ab: Any) -> None:
    a = """
        def make(n):
            class Local:
                size = "old"
                def m(self): return n, "old"
                @property
                def p(self): return "old"
            return Local
    """
    m, update = ab(a)
    one, two = m.make(1), m.make(2)
    it = one()
    report = update(a.replace('n, "old"', 'n, "new"').replace('return "old"', 'return "new"'))
    assert (it.m(), two().m(), it.p) == ((1, "new"), (2, "new"), "new")
    report.rollback()
    assert (it.m(), it.p) == ((1, "old"), "old")


def test_other_changes_of_a_local_class_count_for_those_made_later(ab: Any) -> None:
    a = "def make():\n    class Local:\n        size = 'old'\n        def m(self): return 'old'\n    return Local\n"
    m, update = ab(a)
    earlier = m.make()
    update(a.replace("'old'", "'new'"))
    assert (earlier.size, earlier().m()) == ("old", "new")
    assert (m.make().size, m.make()().m()) == ("new", "new")


def test_a_closure_held_by_another_module_follows(program: Any) -> None:
    text = "def make(n):\n    def inner(): return n, 'old'\n    return inner\n"
    _, app = program.load(lib=text, app="from @lib@ import make\ntable = [make(1), make(2)]\n")
    report = program.update({"lib": text.replace("'old'", "'new'")})
    assert [f() for f in app.table] == [(1, "new"), (2, "new")]
    report.rollback()
    assert [f() for f in app.table] == [(1, "old"), (2, "old")]


def test_methods_of_classes_made_in_functions_get_their_own_class(ab: Any) -> None:
    text = """
        class K:
            def make(self):
                class Inner(dict):
                    def name(self): return 1
                    @property
                    def size(self): return 1
                    def nested(self):
                        def inner(): return 1
                        return inner
                return Inner
        """
    m, update = ab(text)
    one, other = m.K().make(), m.K().make()
    first, second, nested = one(a=1), other(), one().nested()
    report = update(
        text.replace("def name(self): return 1", "def name(self): return __class__, super().__len__()")
        .replace("def size(self): return 1", "def size(self): return super().__len__() + 10")
        .replace("def inner(): return 1", "def inner(): return __class__")
    )
    assert first.name() == (one, 1)
    assert second.name() == (other, 0)
    assert (first.size, second.size) == (11, 10)
    assert nested() == 1
    assert named(report.stale, "inner")
