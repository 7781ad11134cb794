"""Contract 3: where several functions share a qualified name, which old one becomes which new one."""

from __future__ import annotations

from typing import Any

import pytest


def test_property_getter_setter_and_deleter_are_each_their_own_function(ab: Any) -> None:
    a = """
        class C:
            log = []
            @property
            def p(self): return "get"
            @p.setter
            def p(self, value): self.log.append(("set", value))
            @p.deleter
            def p(self): self.log.append("del")
    """
    m, update = ab(a)
    held, it = vars(m.C)["p"], m.C()
    fget, fset, fdel = held.fget, held.fset, held.fdel
    report = update(a.replace('"get"', '"get 2"').replace('("set"', '("set 2"').replace('"del"', '"del 2"'), undo=False)
    it.p = 1
    del it.p
    assert it.p == held.__get__(it) == fget(it) == "get 2"
    assert it.log == [("set 2", 1), "del 2"]
    assert (held.fget, held.fset, held.fdel) == (fget, fset, fdel)
    assert (vars(m.C)["p"].fget, vars(m.C)["p"].fset, vars(m.C)["p"].fdel) == (fget, fset, fdel)
    report.rollback()
    assert fget(it) == "get"


@pytest.mark.parametrize(("old", "new", "get", "stored"), [("x1", "x2", "x2", "y1"), ("y1", "y2", "x1", "y2")])
def test_an_edit_of_only_one_of_getter_and_setter_leaves_the_other(
    ab: Any, old: str, new: str, get: str, stored: str
) -> None:
    a = """
        class C:
            @property
            def p(self): return "x1"
            @p.setter
            def p(self, value): self.stored = "y1"
    """
    m, update = ab(a)
    it = m.C()
    update(a.replace(old, new))
    it.p = 0
    assert (it.p, it.stored) == (get, stored)


def test_a_setter_added_to_a_property_and_taken_away_again(ab: Any) -> None:
    a = "class C:\n    @property\n    def p(self): return 1\n"
    setter = "    @p.setter\n    def p(self, value): self.stored = value\n"
    m, update = ab(a)
    it, getter = m.C(), vars(m.C)["p"].fget
    update(a + setter)
    it.p = 5
    assert (it.p, it.stored) == (1, 5)
    assert vars(m.C)["p"].fget is getter
    update(a)
    with pytest.raises(AttributeError):
        it.p = 6
    assert it.p == 1


def test_of_overloads_the_implementation_is_the_one_the_name_is_bound_to(ab: Any) -> None:
    a = """
        from typing import overload
        @overload
        def f(x: int) -> int: ...
        @overload
        def f(x: str) -> str: ...
        def f(x): return ("old", x)
    """
    m, update = ab(a)
    held = m.f
    report = update(a.replace('"old"', '"new"'))
    assert m.f is held
    assert held(1) == ("new", 1)
    report.rollback()
    assert held(1) == ("old", 1)


def test_one_more_overload_leaves_the_implementation_the_same_object(ab: Any) -> None:
    a = """
        from typing import overload
        @overload
        def f(x: int) -> int: ...
        {more}
        def f(x): return ("{version}", x)
    """
    one = "@overload\n        def f(x: str) -> str: ..."
    two = one + "\n        @overload\n        def f(x: bytes) -> bytes: ..."
    m, update = ab(a.format(more=one, version="old"))
    held = m.f
    update(a.format(more=two, version="new"))
    assert m.f is held
    assert held(1) == ("new", 1)
    update(a.format(more="", version="newer"))
    assert m.f is held
    assert held(1) == ("newer", 1)


def test_a_function_defined_twice_is_the_last_one(ab: Any) -> None:
    m, update = ab("def f(): return 1\nfirst = f\ndef f(): return 2\n")
    first, last = m.first, m.f
    update("def f(): return 10\nfirst = f\ndef f(): return 20\n")
    assert (first(), last(), m.f()) == (10, 20, 20)
    assert (m.first, m.f) == (first, last)


def test_those_with_equal_code_go_first(ab: Any) -> None:
    m, update = ab("def f(): return 1\nfirst = f\ndef f(): return 2\n")
    first, last = m.first, m.f
    update("def f(): return 0\ndef f(): return 1\nfirst = f\ndef f(): return 2\n")
    assert (first(), last()) == (1, 2)
    assert m.f is last


def test_those_with_the_same_decorators_go_before_position(ab: Any) -> None:
    a = """
        kept = []
        def one(f): kept.append(f); return f
        def two(f): return f
        @one
        def f(): return {a}
        @two
        def f(): return {b}
    """
    m, update = ab(a.format(a=1, b=2))
    first, last = m.kept[0], m.f
    update(a.format(a=10, b=20))
    assert (first(), last()) == (10, 20)
    assert m.f is last


def test_inner_functions_of_one_name_follow_their_branch(ab: Any) -> None:
    a = """
        def make(kind):
            if kind:
                def inner(): return "a1"
            else:
                def inner(): return "b1"
            return inner
    """
    m, update = ab(a)
    yes, no = m.make(True), m.make(False)
    update(a.replace("a1", "a2"))
    assert (yes(), no()) == ("a2", "b1")
    update(a.replace("a1", "a3").replace("b1", "b3"))
    assert (yes(), no()) == ("a3", "b3")
    assert (m.make(True)(), m.make(False)()) == ("a3", "b3")


def test_lambdas_of_one_function_are_matched_equal_code_first(ab: Any) -> None:
    a = "def make():\n    return [lambda: 'x', lambda: 'y']\n"
    m, update = ab(a)
    x, y = m.make()
    update(a.replace("'y'", "'z'"))
    assert (x(), y()) == ("x", "z")


def test_functools_singledispatch_implementations_named_alike_are_each_their_own(ab: Any) -> None:
    a = """
        from functools import singledispatch
        @singledispatch
        def show(x): return "any"
        @show.register
        def _(x: int): return "int"
        @show.register
        def _(x: str): return "str"
    """
    m, update = ab(a)
    held = m.show
    report = update(a.replace('"int"', '"int 2"').replace('"str"', '"str 2"').replace('"any"', '"any 2"'))
    assert m.show is held
    assert (held(1), held("a"), held(1.5)) == ("int 2", "str 2", "any 2")
    report.rollback()
    assert (held(1), held("a"), held(1.5)) == ("int", "str", "any")


def test_one_more_singledispatch_implementation_is_registered(ab: Any) -> None:
    a = """
        from functools import singledispatch
        @singledispatch
        def show(x): return "any"
        @show.register
        def _(x: int): return "int"
    """
    m, update = ab(a)
    held = m.show
    update(a.rstrip() + '\n        @show.register\n        def _(x: str): return "str"\n')
    assert m.show is held
    assert (held(1), held("a"), held(1.5)) == ("int", "str", "any")


def test_a_renamed_function_is_another_one(ab: Any) -> None:
    m, update = ab("def f(): return 'f'\n")
    held = m.f
    update("def g(): return 'g'\n")
    assert (held(), m.f(), m.g()) == ("f", "f", "g")
    assert m.g is not held
