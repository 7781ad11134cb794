"""Contract 3: two names for one function; definitions that move to another module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def test_two_names_for_one_function_stay_two_names_for_one_function(ab: Any) -> None:
    m, update = ab("def f(): return 'old'\ng = f\nclass C:\n    def a(self): return 'old'\n    b = a\n")
    held, it = m.g, m.C()
    report = update("def f(): return 'new'\ng = f\nclass C:\n    def a(self): return 'new'\n    b = a\n")
    assert m.f is m.g is held
    assert m.C.a is m.C.b
    assert (held(), it.a(), it.b()) == ("new", "new", "new")
    report.rollback()
    assert m.f is m.g is held
    assert (held(), it.b()) == ("old", "old")


@pytest.mark.parametrize(
    "edit", ["def f(x=2): return x\n", "def deco(fn): return lambda: fn()\n@deco\ndef f(x=3): return x\n"]
)
def test_two_names_stay_one_when_more_than_the_body_changed(ab: Any, edit: str) -> None:
    m, update = ab("def f(x=1): return x\ng = f\n")
    update(edit + "g = f\n")
    assert m.f is m.g
    assert m.f() == m.g() in (2, 3)


def test_a_new_second_name_is_the_same_object(ab: Any) -> None:
    m, update = ab("def f(): return 'old'\n")
    held = m.f
    update("def f(): return 'new'\ng = f\n")
    assert m.f is m.g is held


def test_a_second_name_that_becomes_a_function_of_its_own_leaves_the_first(ab: Any) -> None:
    m, update = ab("def f(): return 'f'\ng = f\n")
    f = m.f
    report = update("def f(): return 'f'\ndef g(): return 'g'\n")
    assert m.f is f
    assert (m.f(), m.g()) == ("f", "g")
    report.rollback()
    assert m.g is m.f is f


MOVED: dict[str, tuple[str, str, Callable[[Any], object], tuple[str, str]]] = {
    "function": ("def f(): return 'old'\n", "def f(): return 'new'\n", lambda f: f(), ("old", "new")),
    "class": (
        "class f:\n    def m(self): return 'old'\n",
        "class f:\n    def m(self): return 'new'\n",
        lambda f: f().m(),
        ("old", "new"),
    ),
}


@pytest.mark.parametrize("kind", MOVED)
@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_a_definition_moved_to_another_module_of_the_update_stays_the_old_object_in_both(
    program: Any, kind: str, order: tuple[str, str]
) -> None:
    before, after, call, (old, new) = MOVED[kind]
    a, b, app = program.load(a=before, b="x = 1\n", app="from @a@ import f\n")
    held = a.f
    texts = {"a": "from @b@ import f\n", "b": "x = 1\n" + after}
    report = program.update({stem: texts[stem] for stem in order})
    assert a.f is b.f is app.f is held
    assert call(held) == new
    report.rollback()
    assert a.f is app.f is held
    assert not hasattr(b, "f")
    assert call(held) == old


@pytest.mark.parametrize("kind", MOVED)
def test_a_definition_moved_to_a_module_imported_for_the_first_time_stays_the_old_object(
    program: Any, kind: str
) -> None:
    before, after, call, (_, new) = MOVED[kind]
    a, app = program.load(a=before, app="from @a@ import f\n")
    held = a.f
    program.write({"fresh": after})
    program.update({"a": "from @fresh@ import f\nimport @fresh@ as fresh\n"})
    assert a.f is a.fresh.f is app.f is held
    assert call(held) == new


def test_a_moved_function_reads_the_globals_of_its_new_module(program: Any) -> None:
    a, _ = program.load(a="X = 'a'\ndef f(): return X\n", b="X = 'b'\n")
    held = a.f
    program.update({"a": "X = 'a'\nfrom @b@ import f\n", "b": "X = 'b'\ndef f(): return X\n"})
    assert held() == "b"


def test_a_moved_class_keeps_its_instances(program: Any) -> None:
    a, b = program.load(a="class C:\n    def m(self): return 'old'\n", b="x = 1\n")
    it = a.C()
    program.update({"a": "from @b@ import C\n", "b": "x = 1\nclass C:\n    def m(self): return 'new'\n"})
    assert isinstance(it, b.C)
    assert it.m() == "new"


def test_an_import_of_what_existed_before_is_a_rebinding(program: Any) -> None:
    a, b, app = program.load(a="def f(): return 'a'\n", b="def f(): return 'b'\n", app="from @a@ import f\n")
    old, other = a.f, b.f
    report = program.update({"a": "from @b@ import f\n"})
    assert a.f is b.f is other
    assert app.f is other
    assert (old(), a.f(), b.f()) == ("a", "b", "b")
    assert "kind-changed" in str(report.to_json())
    report.rollback()
    assert a.f is app.f is old
    assert b.f is other


def test_a_definition_that_moved_without_being_imported_back_is_another_one(program: Any) -> None:
    a, b = program.load(a="def f(): return 'a'\n", b="x = 1\n")
    held = a.f
    program.update({"a": "y = 1\n", "b": "x = 1\ndef f(): return 'b'\n"})
    assert held() == "a"
    assert b.f() == "b"
    assert b.f is not held
