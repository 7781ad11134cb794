"""Contract 6.6: a hotfix is rolled back, and the rollback taken back: the same objects have the same content again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.api.scenario import Program

M = """
    import functools
    LIMIT = 1
    TABLE = {"f": 1}
    def f(): return "old"
    class C:
        def m(self): return "old"
        @classmethod
        def c(cls): return "old"
        @staticmethod
        def s(): return "old"
        @property
        def p(self): return "old"
        @functools.lru_cache
        def cached(self): return "old"
"""
APP = "from @m@ import *\nheld = [f, C.m, C.c, C().s]\n"
FIXES = {
    "a function": "m.f = lambda: 'new'",
    "a method": "m.C.m = lambda self: 'new'",
    "a wrapped method": "old = m.C.m\nm.C.m = lambda self: old(self) + 'new'",
    "a classmethod": "m.C.c = classmethod(lambda cls: 'new')",
    "a staticmethod": "m.C.s = staticmethod(lambda: 'new')",
    "a property": "m.C.p = property(lambda self: 'new')",
    "another kind": "m.C.cached = lambda self: 'new'",
    "a constant": "m.LIMIT = 2",
    "a table": "m.TABLE = {'f': 2, 'g': 3}",
    "a table, in place": "m.TABLE['f'] = m.f\nm.f = lambda: 'new'",
    "a class": "class C:\n    def m(self): return 'new'\nm.C = C",
}


@pytest.mark.parametrize("fix", FIXES)
def test_the_same_objects_have_the_same_content_again(program: Program, fix: str) -> None:
    m, app = program.load(m=M, app=APP)

    def tables() -> list[Any]:
        return [(key, value() if callable(value) else value) for key, value in app.TABLE.items()]

    def seen() -> list[Any]:
        calls = [call() for call in (m.f, *app.held[2:])]
        return [*calls, app.held[1](m.C()), m.C().m(), m.C().p, m.C().cached(), app.LIMIT, *tables()]

    before = seen()
    report = program.hotfix("import @m@ as m\n" + FIXES[fix] + "\n")
    after = seen()
    back = report.rollback()
    assert seen() == before
    back.rollback()
    assert seen() == after
