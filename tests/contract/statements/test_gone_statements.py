"""Contract 2.5: what happens to what a statement bound when the statement is gone."""

from __future__ import annotations

from typing import Any

import pytest

A = "LIMIT = 1\ndef f(): return 1\ndef g(): return 2\nclass C:\n    def m(self): return 3\n"
GONE = "def f(): return 1\n"


def test_names_that_are_gone_stay_by_default_and_go_on_working(ab: Any) -> None:
    m, update = ab(A)
    g, it = m.g, m.C()
    update(GONE)
    assert m.g is g
    assert (g(), it.m(), m.C().m(), m.LIMIT) == (2, 3, 3, 1)


def test_prune_removes_the_names_and_holders_go_on_working(ab: Any) -> None:
    m, update = ab(A)
    f, g, it = m.f, m.g, m.C()
    report = update(GONE, prune=True)
    assert not {"g", "C", "LIMIT"} & vars(m).keys()
    assert m.f is f
    assert (g(), it.m(), type(it)().m()) == (2, 3, 3)
    report.rollback()
    assert m.g is g
    assert m.C is type(it)
    assert m.LIMIT == 1


def test_prune_leaves_names_that_the_program_set(ab: Any) -> None:
    m, update = ab(A)
    m.mine = 1
    update(GONE, prune=True)
    assert m.mine == 1


def test_prune_removes_methods_that_are_gone(ab: Any) -> None:
    m, update = ab("class C:\n    def m(self): return 1\n    def n(self): return 2\n    x = 3\n")
    it, n = m.C(), m.C.n
    report = update("class C:\n    def m(self): return 1\n", prune=True)
    assert not hasattr(it, "n")
    assert not hasattr(it, "x")
    assert n(it) == 2
    report.rollback()
    assert it.n() == 2
    assert it.x == 3


def test_a_gone_method_stays_by_default(ab: Any) -> None:
    m, update = ab("class C:\n    def m(self): return 1\n    def n(self): return 2\n")
    it = m.C()
    update("class C:\n    def m(self): return 1\n")
    assert it.n() == 2


def test_del_func_of_a_module_removes_functions_but_not_data(ab: Any) -> None:
    m, update = ab(A)
    g = m.g
    report = update("_del_func = True\n" + GONE)
    assert not hasattr(m, "g")
    assert m.LIMIT == 1
    assert g() == 2
    report.rollback()
    assert m.g is g


def test_del_func_leaves_functions_that_the_program_added(ab: Any) -> None:
    m, update = ab("def f(): return 1\ndef g(): return 2\n")
    m.mine = lambda: 3
    update("_del_func = True\n" + GONE)
    assert m.mine() == 3
    assert not hasattr(m, "g")


def test_del_func_of_a_class_removes_its_functions_only(ab: Any) -> None:
    m, update = ab("def g(): return 0\nclass C:\n    x = 1\n    def m(self): return 1\n    def n(self): return 2\n")
    it = m.C()
    report = update("class C:\n    _del_func = True\n    def m(self): return 1\n")
    assert not hasattr(it, "n")
    assert (it.m(), it.x, m.g()) == (1, 1, 0)
    report.rollback()
    assert it.n() == 2


def test_a_name_gone_from_a_class_that_now_inherits_it_is_taken_out(ab: Any) -> None:
    a = """
        class Base:
            size = "base"
            def m(self): return "base"
            def __repr__(self): return "base"
        class C(Base):
            size = "own"
            def m(self): return "own"
            def __repr__(self): return "own"
    """
    m, update = ab(a)
    it, own = m.C(), m.C.m
    report = update(a[: a.index("        class C")] + "        class C(Base):\n            pass\n")
    assert (it.m(), it.size, repr(it)) == ("base", "base", "base")
    assert "m" not in vars(m.C)
    assert own(it) == "own"
    report.rollback()
    assert (it.m(), it.size, repr(it)) == ("own", "own", "own")


def test_a_name_gone_from_a_class_that_inherits_it_from_another_module_is_taken_out(program: Any) -> None:
    _, m = program.load(
        lib="class Base:\n    def m(self): return 'base'\n",
        m="from @lib@ import Base\nclass C(Base):\n    def m(self): return 'own'\n    def n(self): return 1\n",
    )
    it = m.C()
    program.update({"m": "from @lib@ import Base\nclass C(Base):\n    def n(self): return 1\n"})
    assert it.m() == "base"


def test_a_name_gone_from_a_module_with_getattr_is_taken_out(ab: Any) -> None:
    a = "def __getattr__(name):\n    if name == 'LIMIT': return 'lazy'\n    raise AttributeError(name)\n"
    m, update = ab(a + "LIMIT = 100001\n")
    report = update(a)
    assert m.LIMIT == "lazy"
    report.rollback()
    assert m.LIMIT == 100001


def test_a_function_gone_from_a_module_with_getattr_is_taken_out_when_getattr_is_new(ab: Any) -> None:
    m, update = ab("def f(): return 'own'\nx = 1\n")
    update("x = 1\ndef __getattr__(name):\n    if name == 'f': return lambda: 'lazy'\n    raise AttributeError(name)\n")
    assert m.f() == "lazy"


def test_a_name_that_the_program_changed_is_not_taken_out_of_a_module_with_getattr(ab: Any) -> None:
    a = "def __getattr__(name):\n    if name == 'LIMIT': return 'lazy'\n    raise AttributeError(name)\n"
    m, update = ab(a + "LIMIT = 100001\n")
    m.LIMIT = 5
    update(a)
    assert m.LIMIT == 5


@pytest.mark.parametrize("prune", [False, True])
@pytest.mark.parametrize("how", ["import @pkg@.sub", "from . import sub", "from .sub import VALUE"])
def test_submodules_of_a_package_are_never_pruned(program: Any, prune: bool, how: str) -> None:
    world = program.world
    pkg = world.name("pkg")
    world.write(pkg, f"{how}\nx = 1\n", package=True)
    world.write(f"{pkg}.sub", "VALUE = 1\n")
    m = world.load(pkg)
    sub = m.sub
    world.write(pkg, "x = 1\ny = 2\n", package=True)
    program.reload([pkg], prune=prune)
    assert m.y == 2
    assert m.sub is sub


def test_a_submodule_is_never_rebound_by_an_equally_named_statement(program: Any) -> None:
    world = program.world
    pkg = world.name("pkg")
    world.write(pkg, "x = 1\n", package=True)
    world.write(f"{pkg}.sub", "VALUE = 1\n")
    m = world.load(pkg)
    sub = world.load(f"{pkg}.sub")
    world.write(pkg, "from . import sub\nx = 1\n", package=True)
    program.reload([pkg])
    assert m.sub is sub


def test_a_plain_statement_that_is_gone_runs_nothing_and_undoes_nothing(ab: Any) -> None:
    m, update = ab("log = []\nlog.append(1)\nlog.append(2)\n")
    update("log = []\nlog.append(2)\n")
    assert m.log == [1, 2]


def test_a_definition_that_comes_back_is_the_old_object(ab: Any) -> None:
    m, update = ab(A)
    g = m.g
    update(GONE)
    update("def f(): return 1\ndef g(): return 'back'\n")
    assert m.g() == "back"
    assert m.g is g


def test_prune_removes_imported_modules_too(ab: Any) -> None:
    m, update = ab("import types\nfrom os import path\ntry:\n    import json\nexcept ImportError:\n    pass\nX = 1\n")
    report = update("X = 1\n", prune=True)
    assert not {"types", "path", "json"} & vars(m).keys()
    report.rollback()
    assert {"types", "path", "json"} <= vars(m).keys()


@pytest.mark.parametrize("header", ["class C(B):", "class C(B, metaclass=M):", "@keep\nclass C(B):"])
def test_prune_and_inheritance_take_members_out_of_every_class(ab: Any, header: str) -> None:
    text = (
        "class M(type): ...\ndef keep(c): return c\nclass B:\n    x = 1\n    def f(self): return 1\n"
        f"{header}\n    x = 2\n    y = 2\n    def f(self): return 2\n    def g(self): return 2\n    z = 3\n"
    )
    new = text.replace("    x = 2\n    y = 2\n    def f(self): return 2\n    def g(self): return 2\n", "    w = 4\n")
    m, update = ab(text)
    it = m.C()
    report = update(new)
    assert (it.x, it.f(), it.y, it.g(), it.w) == (1, 1, 2, 2, 4)
    report.rollback()
    update(new, prune=True)
    assert not {"x", "y", "f", "g"} & vars(m.C).keys()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if 1: u = 1\nelse: u = 2\n", "if 2: v = 1\nelse: v = 2\n"),
        ("if 1:\n    def u(): return 1\n    def w(): return 1\n", "if 1:\n    def w(): return 1\n"),
        ("if 1:\n    class u: pass\n    class w: pass\n", "if 1:\n    class w: pass\n"),
        ("try: import os as u\nexcept ImportError: u = None\n", "try: import os as v\nexcept ImportError: v = None\n"),
        ("for u in (1,): pass\n", "for v in (1,): pass\n"),
        ("with open(__file__) as u: pass\n", "with open(__file__) as v: pass\n"),
        ("a = u = 1\n", "a = 1\n"),
        ("from os import path, sep as u\n", "from os import path\n"),
    ],
)
def test_names_that_only_the_former_version_of_a_statement_bound_are_gone(ab: Any, old: str, new: str) -> None:
    m, update = ab(old)
    report = update(new)
    assert hasattr(m, "u")
    assert "import" in old or [each.where.partition(".")[2] for each in report.kept] == ["u"]
    report.rollback()
    report = update(new, prune=True)
    assert not hasattr(m, "u")
    report.rollback()
    assert hasattr(m, "u")


UNCOVERED = {
    "function": ("def f(): return 1\n", "def f(): return 2\n", "f()", 1),
    "function by data": ("def f(): return 1\n", "f = 3\n", "f()", 1),
    "function by a class": ("def f(): return 1\n", "class f: pass\n", "f()", 1),
    "function by an import": ("def f(): return 1\n", "from os import getpid as f\n", "f()", 1),
    "function by a lambda": ("def f(): return 1\n", "f = lambda: 2\n", "f()", 1),
    "data": ("x = 1\n", "x = 2\n", "x", 1),
    "data by a function": ("x = 1\n", "def x(): return 2\n", "x", 1),
    "import": ("import os as x\n", "x = 2\n", "x.__name__", "os"),
    "class": ("class K: a = 1\n", "class K: a = 2\n", "K.a", 1),
}


@pytest.mark.parametrize(("first", "second", "look", "expected"), UNCOVERED.values(), ids=UNCOVERED)
@pytest.mark.parametrize("in_class", [False, True])
def test_a_statement_whose_name_another_one_took_comes_to_light_when_that_is_gone(
    ab: Any, first: str, second: str, look: str, expected: object, in_class: bool
) -> None:
    between = "between = 0\n"
    texts = [first + between + second, first + between]
    if in_class:
        texts = ["class Outer:\n" + "".join(f"    {line}\n" for line in each.splitlines()) for each in texts]
    m, update = ab(texts[0])
    before = vars(m.Outer if in_class else m)[look[0]]
    report = update(texts[1], policy="replace", prune=True)
    assert eval(look, dict(vars(m.Outer if in_class else m))) == expected
    report.rollback()
    assert vars(m.Outer if in_class else m)[look[0]] is before


def test_an_uncovered_function_takes_the_place_of_the_one_that_others_hold(ab: Any) -> None:
    m, update = ab("def f(): return 1\ndef f(): return 2\n")
    held = m.f
    update("def f(): return 1\n")
    assert m.f is held
    assert held() == 1


def test_uncovered_data_is_kept_like_edited_data(ab: Any) -> None:
    m, update = ab("x = 1\nx = 2\n")
    report = update("x = 1\n")
    assert m.x == 2
    assert [each.where.partition(".")[2] for each in report.kept] == ["x"]
