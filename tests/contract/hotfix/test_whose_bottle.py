"""Contract 1, whose bottle: an object takes new content only through the name that its own statement bound."""

from __future__ import annotations

import json
from typing import Any

import pytest

import rebottle


def test_a_hotfix_of_an_imported_name_never_changes_the_module_it_came_from(ab: Any, program: Any) -> None:
    m, _ = ab("from json import loads\ndef parse(text): return loads(text)\n")
    original = json.loads
    code = original.__code__
    report = rebottle.hotfix(
        program.world.text("import @m@ as m\ndef fast_loads(s): return 'fast'\nm.loads = fast_loads\n")
    )
    assert m.parse("1") == "fast"
    assert json.loads is original
    assert json.loads.__code__ is code
    assert json.loads("1") == 1
    report.rollback()
    assert m.loads is original
    assert m.parse("1") == 1


def test_a_hotfix_of_an_alias_elsewhere_rebinds_only_the_alias(program: Any) -> None:
    lib, app, third = program.load(
        lib="def f(): return 'lib'\n", app="import @lib@ as lib\nshort = lib.f\n", third="from @lib@ import f\n"
    )
    report = rebottle.hotfix(program.world.text("import @app@ as app\napp.short = lambda: 'mine'\n"))
    assert (app.short(), lib.f(), third.f()) == ("mine", "lib", "lib")
    assert lib.f is third.f
    report.rollback()
    assert app.short is lib.f


def test_an_imported_class_that_is_rebound_is_not_touched(program: Any) -> None:
    lib, app = program.load(lib="class C:\n    def f(self): return 'lib'\n", app="from @lib@ import C\n")
    it = app.C()
    rebottle.hotfix(program.world.text("import @app@ as app\nclass C:\n    def f(self): return 'mine'\napp.C = C\n"))
    assert (it.f(), lib.C().f(), app.C().f()) == ("lib", "lib", "mine")


def test_a_method_borrowed_from_another_class_is_only_rebound_under_its_alias(program: Any) -> None:
    lib, app = program.load(
        lib="class Base:\n    def f(self): return 'lib'\n", app="from @lib@ import Base\nclass D:\n    f = Base.f\n"
    )
    rebottle.hotfix(program.world.text("import @app@ as app\napp.D.f = lambda self: 'mine'\n"))
    assert (app.D().f(), lib.Base().f()) == ("mine", "lib")


def test_an_inherited_method_overridden_by_a_snippet_leaves_the_base_alone(ab: Any, program: Any) -> None:
    m, _ = ab("class A:\n    def f(self): return 'A'\nclass B(A): pass\n")
    report = rebottle.hotfix(program.world.text("import @m@ as m\nm.B.f = lambda self: 'B'\n"))
    assert (m.A().f(), m.B().f()) == ("A", "B")
    report.rollback()
    assert "f" not in vars(m.B)


def test_names_copied_by_wraps_prove_nothing(program: Any) -> None:
    lib, app = program.load(
        lib="def f(): return 'lib'\n",
        app="""
            import functools
            import @lib@ as lib

            @functools.wraps(lib.f)
            def f(): return ("wrapped", lib.f())
        """,
    )
    held = app.f
    rebottle.hotfix(program.world.text("import @app@ as app\napp.f = lambda: 'mine'\n"))
    assert held() == app.f() == "mine"
    assert lib.f() == "lib"


@pytest.mark.parametrize("wrapped", ["def patch(): return ('patched', real())", "patch = lambda: ('patched', real())"])
def test_a_monkeypatch_stays_and_the_function_beneath_takes_the_new_code(ab: Any, program: Any, wrapped: str) -> None:
    m, update = ab("def f(): return 1\n")
    [tool] = program.load(tool=f"import @m@ as m\nreal = m.f\n{wrapped}\nm.f = patch\n")
    report = update("def f(): return 2\n")
    assert m.f is tool.patch
    assert tool.real() == 2
    assert m.f() == ("patched", 2)
    report.rollback()
    assert m.f is tool.patch
    assert m.f() == ("patched", 1)


def test_a_monkeypatched_method_stays_and_the_one_beneath_takes_the_new_code(ab: Any) -> None:
    m, update = ab("class C:\n    def f(self): return 1\n")
    real = m.C.f

    def patch(self: Any) -> Any:
        return "patched", real(self)

    m.C.f = patch
    update("class C:\n    def f(self): return 2\n")
    assert m.C.f is patch
    assert m.C().f() == ("patched", 2)


def test_a_monkeypatch_by_an_object_of_another_kind_stays(ab: Any) -> None:
    m, update = ab("def f(): return 1\n")
    real, m.f = m.f, "not a function"
    update("def f(): return 2\n")
    assert m.f == "not a function"
    assert real() == 2


def test_a_reload_whose_import_changed_rebinds_the_name_and_touches_neither_function(program: Any) -> None:
    one, two, app = program.load(
        one="def f(): return 1\n", two="def f(): return 2\n", app="from @one@ import f\ndef call(): return f()\n"
    )
    first, second = one.f, two.f
    report = program.update({"app": "from @two@ import f\ndef call(): return f()\n"})
    assert app.f is second
    assert app.call() == 2
    assert one.f is first
    assert first() == 1
    report.rollback()
    assert app.f is first
    assert app.call() == 1


def test_a_reload_that_defines_a_name_formerly_imported_leaves_the_imported_function(ab: Any) -> None:
    m, update = ab("from json import loads\ndef parse(text): return loads(text)\n")
    original = json.loads
    report = update("def loads(text): return 'own'\ndef parse(text): return loads(text)\n")
    assert m.parse("1") == "own"
    assert json.loads is original
    assert json.loads("1") == 1
    report.rollback()
    assert m.loads is original


def test_a_decorated_function_is_its_own_definition_s_bottle(ab: Any, program: Any) -> None:
    m, update = ab("import functools\n@functools.lru_cache\ndef f(x): return ('old', x)\n")
    held = m.f
    report = update("import functools\n@functools.lru_cache\ndef f(x): return ('new', x)\n", undo=False)
    assert m.f is held
    assert held(1) == ("new", 1)
    report.rollback()
    assert held(1) == ("old", 1)
