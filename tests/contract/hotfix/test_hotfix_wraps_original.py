"""Contract 1: what a snippet takes hold of while it runs means the old code; older references mean the new one."""

from __future__ import annotations

from typing import Any

import rebottle


def test_a_wrapper_made_by_the_snippet_calls_the_original_not_itself(ab: Any, program: Any) -> None:
    m, _ = ab("class C:\n    def f(self, x): return ('old', x)\n")
    held, bound = m.C.f, m.C().f
    fix = """
        import @m@ as m
        old = m.C.f
        def f(self, x): return ("before", old(self, x), "after")
        m.C.f = f
    """
    report = rebottle.hotfix(program.world.text(fix))
    assert held(m.C(), 1) == bound(1) == m.C().f(1) == ("before", ("old", 1), "after")
    report.rollback()
    assert held(m.C(), 1) == bound(1) == ("old", 1)


TRACE = """
    calls = []

    def trace(func):
        def wrapper(*args):
            calls.append("in")
            return func(*args)
        return wrapper
"""


def test_a_decorator_applied_to_the_function_calls_the_old_code_once(program: Any) -> None:
    tools, m = program.load(tools=TRACE, m="def f(x): return x + 1\n")
    held = m.f
    report = rebottle.hotfix(program.world.text("import @m@ as m, @tools@ as tools\nm.f = tools.trace(m.f)\n"))
    assert held(1) == 2
    assert tools.calls == ["in"]
    assert m.f(1) == 2
    assert tools.calls == ["in", "in"]
    report.rollback()
    assert held(1) == m.f(1) == 2
    assert tools.calls == ["in", "in"]


def test_a_decorator_applied_twice_by_two_hotfixes_traces_twice(program: Any) -> None:
    tools, m = program.load(tools=TRACE, m="def f(x): return x + 1\n")
    held = m.f
    fix = program.world.text("import @m@ as m, @tools@ as tools\nm.f = tools.trace(m.f)\n")
    rebottle.hotfix(fix)
    second = rebottle.hotfix(fix)
    assert held(1) == 2
    assert tools.calls == ["in", "in"]
    second.rollback()
    tools.calls.clear()
    assert held(1) == 2
    assert tools.calls == ["in"]


def test_functools_wraps_over_the_original_does_not_recurse(ab: Any, program: Any) -> None:
    m, _ = ab("def f(x): return ('old', x)\n")
    held = m.f
    fix = """
        import functools
        import @m@ as m
        old = m.f
        @functools.wraps(old)
        def f(x): return ("new", old(x))
        m.f = f
    """
    rebottle.hotfix(program.world.text(fix))
    assert held(1) == m.f(1) == ("new", ("old", 1))


def test_a_partial_of_the_original_made_by_the_snippet_means_the_old_code(ab: Any, program: Any) -> None:
    m, _ = ab("kept = []\ndef f(x): return ('old', x)\n")
    fix = """
        import functools
        import @m@ as m
        m.kept.append(functools.partial(m.f, 1))
        m.kept.append(m.f)
        def f(x): return ("new", x)
        m.f = f
    """
    rebottle.hotfix(program.world.text(fix))
    assert m.f(1) == ("new", 1)
    assert m.kept[0]() == ("old", 1)
    assert m.kept[1](1) == ("old", 1)


def test_a_reference_older_than_the_snippet_means_the_new_code_beside_one_made_by_it(ab: Any, program: Any) -> None:
    m, _ = ab("def f(): return 'old'\ntable = [f]\n")
    rebottle.hotfix(program.world.text("import @m@ as m\nm.table.append(m.f)\nm.f = lambda: 'new'\n"))
    assert [f() for f in m.table] == ["new", "old"]


def test_a_bound_method_taken_by_the_snippet_means_the_old_code(ab: Any, program: Any) -> None:
    m, _ = ab("class C:\n    def f(self): return 'old'\nit = C()\n")
    fix = """
        import @m@ as m
        old = m.it.f
        def f(self): return "new " + old()
        m.C.f = f
    """
    rebottle.hotfix(program.world.text(fix))
    assert m.it.f() == m.C().f() == "new old"


def test_an_original_property_can_be_used_by_the_new_one(ab: Any, program: Any) -> None:
    m, _ = ab("class C:\n    @property\n    def p(self): return 1\n")
    it = m.C()
    fix = """
        import @m@ as m
        old = m.C.p
        m.C.p = property(lambda self: old.fget(self) + 1)
    """
    report = rebottle.hotfix(program.world.text(fix))
    assert it.p == 2
    report.rollback()
    assert it.p == 1


def test_the_original_classmethod_can_be_called_by_the_new_one(ab: Any, program: Any) -> None:
    m, _ = ab("class C:\n    @classmethod\n    def make(cls): return [cls]\n")
    held = m.C.make
    fix = """
        import @m@ as m
        old = m.C.make
        m.C.make = classmethod(lambda cls: old() + ["new"])
    """
    rebottle.hotfix(program.world.text(fix))
    assert m.C.make() == [m.C, "new"]
    assert held() == [m.C, "new"]


def test_the_wrapped_original_keeps_its_defaults(ab: Any, program: Any) -> None:
    m, _ = ab("def f(x=3, *, y=4): return (x, y)\n")
    held = m.f
    rebottle.hotfix(program.world.text("import @m@ as m\nold = m.f\ndef f(): return ('new', old())\nm.f = f\n"))
    assert held() == ("new", (3, 4))


def test_two_functions_exchanged_by_a_snippet_are_exchanged_for_all_holders(ab: Any, program: Any) -> None:
    m, _ = ab("def a(): return 'a'\ndef b(): return 'b'\n")
    a, b = m.a, m.b
    report = rebottle.hotfix(program.world.text("import @m@ as m\nm.a, m.b = m.b, m.a\n"))
    assert (m.a(), m.b()) == ("b", "a")
    assert (a(), b()) == ("b", "a")
    report.rollback()
    assert (a(), b()) == (m.a(), m.b()) == ("a", "b")
