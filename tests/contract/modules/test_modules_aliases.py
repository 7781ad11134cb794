"""Section 9: one module under several names, and a module that runs as a script."""

from __future__ import annotations

import gc
import importlib
import sys

import pytest

import rebottle
from tests.contract.api.scenario import Program, run_script


def test_an_alias_is_the_module_that_it_stands_for(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    [m] = program.load(m="def f(): return 1\n")
    monkeypatch.setitem(sys.modules, program.world.name("alias"), m)
    program.write({"m": "def f(): return 2\n"})
    f = m.f
    report = program.reload([program.world.name("alias")])
    assert report.modules == [m.__name__]
    assert m.f is f
    assert f() == 2
    assert list(rebottle.reload([m.__name__]).changes) == []


def test_a_module_run_with_m_is_reloaded_by_its_name_in_the_table(program: Program) -> None:
    source = """
        import rebottle
        from pathlib import Path
        def f(): return 'old'
        g = f
        if __name__ == '__main__':
            path = Path(__file__)
            path.write_text(path.read_text().replace("return 'o" "ld'", "return 'n" "ew'"))
            rebottle.reload(['__main__'])
            print(g())
    """
    program.world.write("tool", source)
    lines = run_script(
        program.world.root, "import runpy; runpy.run_module('tool', run_name='__main__', alter_sys=True)"
    )
    assert lines == ["new"]


def test_names_that_a_statement_puts_into_the_table_go_back(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, m = program.load(one="A = 1\n", two="B = 1\n", m="import @one@ as held\n")
    former, added = f"{m.__name__}.former", f"{m.__name__}.held"
    monkeypatch.setitem(sys.modules, former, two)
    table = f"import sys\nsys.modules[{former!r}] = sys.modules[{added!r}] = held\n"
    program.write({"m": program.world.text("import @one@ as held\n") + table})
    report = program.reload([m.__name__])
    assert (sys.modules[former], sys.modules[added]) == (one, one)
    report.rollback()
    assert sys.modules[former] is two
    assert added not in sys.modules
    assert m.held is one


def test_functions_of_a_module_that_put_another_in_its_place_follow(program: Program) -> None:
    text = """
        import sys, types
        def f(): return 'old'
        class Lazy(types.ModuleType): pass
        lazy = Lazy(__name__)
        vars(lazy).update(globals())
        sys.modules[__name__] = lazy
    """
    program.load(m=text)
    m = sys.modules[program.world.name("m")]
    f = m.f
    program.update({"m": text.replace("'old'", "'new'")})
    assert m.f is f
    assert f() == "new"


def test_a_module_imported_anew_where_a_dead_one_lay_has_its_own_source(program: Program) -> None:
    world = program.world
    name = world.name("again")
    for _ in range(30):
        world.write(name, "def f(): return 'old'\n")
        module = importlib.import_module(name)
        world.write(name, "def f(): return 'new'\n")
        rebottle.reload([name])
        assert module.f() == "new"
        del sys.modules[name], module
        gc.collect()
