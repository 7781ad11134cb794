"""Contract 2.4: a changed or new statement is run once, in source order, and sees the new version of everything."""

from __future__ import annotations

from typing import Any

import pytest

A = """
    log = []
    def f(): return "old"
    class C:
        def m(self): return "old"
    it = C()
"""


def test_a_new_statement_is_run_once(ab: Any) -> None:
    m, update = ab(A)
    report = update(A + "    log.append('new')\n")
    assert m.log == ["new"]
    report.rollback()
    assert m.log == []


def test_a_changed_statement_is_run_once_and_the_old_one_is_not_undone(ab: Any) -> None:
    m, update = ab("log = []\nlog.append('a')\n")
    update("log = []\nlog.append('b')\n")
    assert m.log == ["a", "b"]


def test_it_is_not_run_again_by_the_next_update(ab: Any) -> None:
    m, update = ab(A)
    update(A + "    log.append('new')\n")
    update(A.replace('return "old"', 'return "new"') + "    log.append('new')\n")
    assert m.log == ["new"]


def test_new_statements_are_run_in_source_order(ab: Any) -> None:
    m, update = ab("log = []\nlog.append('b')\n")
    update(
        """
        log = []
        log.append("a")
        def g(): return "g"
        log.append("b")
        log.append(g())
        x = len(log)
        log.append(x)
        """
    )
    assert m.log == ["b", "a", "g", 3]


SEES = {
    "by name": "f()",
    "a new function by name": "g()",
    "by attribute of the module in sys.modules": "sys.modules[__name__].f()",
    "by import": "importlib.import_module(__name__).f()",
    "through globals": "globals()['f']()",
    "a method": "C().m()",
    "a method of an old instance": "it.m()",
    "a function that calls the function": "call()",
    "in a comprehension": "[f() for _ in range(1)][0]",
    "in a lambda": "(lambda: f())()",
    "as a callback": "list(map(lambda fn: fn(), [f]))[0]",
    "getattr": "getattr(sys.modules[__name__], 'f')()",
}


@pytest.mark.parametrize("how", SEES)
def test_a_new_statement_sees_the_new_version_of_the_module_s_definitions(ab: Any, how: str) -> None:
    a = "import sys, importlib\n" + "def call(): return f()\n"
    m, update = ab(f"{a}def f(): return 'old'\nclass C:\n    def m(self): return 'old'\nit = C()\n")
    update(
        f"{a}def f(): return 'new'\nclass C:\n    def m(self): return 'new'\nit = C()\n"
        f"def g(): return 'new'\nresult = {SEES[how]}\n"
    )
    assert m.result == "new"


LIB = "def f(): return 'old'\nclass C:\n    def m(self): return 'old'\n"
LIB_NEW = LIB.replace("old", "new") + "def g(): return 'new'\nLIMIT = 'new'\nclass D: m = 'new'\n"
SEES_LIB = {
    "attribute": "import @lib@ as lib\nresult = lib.f()\n",
    "new attribute": "import @lib@ as lib\nresult = lib.g()\n",
    "from import of a changed function": "from @lib@ import f\nresult = f()\n",
    "from import of a new function": "from @lib@ import g\nresult = g()\n",
    "from import of a new constant": "from @lib@ import LIMIT\nresult = LIMIT\n",
    "from import of a new class": "from @lib@ import D\nresult = D().m\n",
    "star import": "from @lib@ import *\nresult = g()\n",
    "a changed method": "from @lib@ import C\nresult = C().m()\n",
    "import inside a function": "def use():\n    from @lib@ import g\n    return g()\nresult = use()\n",
}


@pytest.mark.parametrize("how", SEES_LIB)
@pytest.mark.parametrize("order", [("lib", "app"), ("app", "lib")])
def test_a_new_statement_sees_the_new_version_of_other_modules(program: Any, how: str, order: tuple[str, str]) -> None:
    _, app = program.load(lib=LIB, app="import @lib@\n")
    texts = {"lib": LIB_NEW, "app": "import @lib@\n" + SEES_LIB[how]}
    report = program.update({stem: texts[stem] for stem in order})
    assert app.result == "new"
    report.rollback()
    assert not hasattr(app, "result")


def test_a_held_imported_function_is_the_new_one_for_a_new_statement_elsewhere(program: Any) -> None:
    _, app = program.load(lib="def f(): return 'old'\n", app="from @lib@ import f\ntable = {'f': f}\n")
    program.update(
        {
            "app": "from @lib@ import f\ntable = {'f': f}\nresult = f(), table['f']()\n",
            "lib": "def f(): return 'new'\n",
        }
    )
    assert app.result == ("new", "new")


def test_a_module_imported_for_the_first_time_sees_the_new_version(program: Any) -> None:
    m, *_ = program.load(m="def f(): return 'old'\n")
    program.write({"extra": "from @m@ import f, g\nseen = f(), g()\ndef use(): return f(), g()\n"})
    text = "def f(): return 'new'\ndef g(): return 'g'\nimport @extra@ as extra\nresult = extra.seen\n"
    program.update({"m": text})
    assert m.result == ("new", "g")
    assert m.extra.use() == ("new", "g")
    assert m.extra.f is m.f


def test_staged_objects_stored_elsewhere_are_the_live_ones_afterwards(program: Any) -> None:
    lib, m = program.load(lib="kept = []\n", m="from @lib@ import kept\ndef f(): return 'old'\nclass C: pass\n")
    f, cls = m.f, m.C
    program.update({"m": "from @lib@ import kept\ndef f(): return 'new'\nclass C:\n    x = 1\nkept.extend([f, C])\n"})
    assert lib.kept == [f, cls]
    assert lib.kept[0] is m.f is f
    assert lib.kept[1] is m.C is cls


def test_a_new_function_registered_by_a_statement_works_in_the_live_module(ab: Any) -> None:
    m, update = ab("table = {}\ncount = 0\n")
    update(
        "table = {}\ncount = 0\ndef g():\n    global count\n    count += 1\n    return count\ntable['g'] = g\n",
        undo=False,
    )
    assert m.table["g"] is m.g
    assert m.table["g"]() == 1
    assert m.count == 1


def test_a_statement_sees_live_data_not_the_source_s(ab: Any) -> None:
    m, update = ab("count = 0\nitems = []\n")
    m.count = 5
    m.items.append("live")
    update("count = 0\nitems = []\nresult = count, list(items)\n")
    assert m.result == (5, ["live"])


def test_an_edited_assignment_to_kept_data_is_not_run_and_is_listed(ab: Any) -> None:
    a = "log = []\ndef make(x): log.append(x); return [x]\ndata = make(1)\n"
    m, update = ab(a)
    held = m.data
    report = update(a.replace("make(1)", "make(2)"), policy="keep")
    assert m.data is held
    assert m.log == [1]
    assert any("data" in str(kept) for kept in report.kept)


def test_an_edited_assignment_is_run_once_where_the_policy_replaces(ab: Any) -> None:
    a = "log = []\ndef make(x): log.append(x); return x\ndata = make(1)\n"
    m, update = ab(a)
    update(a.replace("make(1)", "make(2)"), policy="replace")
    assert m.data == 2
    assert m.log == [1, 2]


def test_a_new_class_and_a_new_constant_appear(ab: Any) -> None:
    m, update = ab("x = 1\n")
    report = update("x = 1\ny = x + 1\nclass D:\n    z = y\n")
    assert (m.y, m.D.z, m.D.__module__) == (2, 2, m.__name__)
    report.rollback()
    assert not hasattr(m, "y")
    assert not hasattr(m, "D")
