"""Contract 2.4: while new statements run, the rest of the program sees nothing of the update."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import rebottle

A = """
    import threading
    entered, looked = threading.Event(), threading.Event()
    TABLE = {"a": 1}
    def f(): return "old"
    def call(): return f()
    class C:
        def m(self): return "old"
    it = C()
"""
B = A.replace('"old"', '"new"').replace('{"a": 1}', '{"a": 2}') + (
    "    def g(): return 'g'\n    added = 1\n"
    "    entered.set()\n    assert looked.wait(20)\n    result = f(), g(), it.m()\n"
)


def look_while_staging(m: Any, update: Callable[[], Any], look: Callable[[], object]) -> object:
    """What another thread gets from ``look`` while the update's statement waits for it."""
    seen: list[object] = []

    def other() -> None:
        m.entered.wait(20)
        try:
            seen.append(look())
        finally:
            m.looked.set()

    thread = threading.Thread(target=other)
    thread.start()
    try:
        update()
    finally:
        m.entered.set()
        thread.join()
    return seen[0]


LOOKS: dict[str, tuple[Callable[[Any], object], object]] = {
    "functions": (lambda m: m.f(), "old"),
    "functions called by functions": (lambda m: m.call(), "old"),
    "methods": (lambda m: (m.it.m(), m.C().m()), ("old", "old")),
    "new names": (lambda m: [hasattr(m, name) for name in ("g", "added", "result")], [False] * 3),
    "the module's dict": (lambda m: {"g", "added"} & vars(m).keys(), set()),
    "sys.modules": (lambda m: (sys.modules[m.__name__] is m, sys.modules[m.__name__].f()), (True, "old")),
    "an import": (lambda m: importlib.import_module(m.__name__).f(), "old"),
    "data": (lambda m: dict(m.TABLE), {"a": 1}),
}


@pytest.mark.parametrize("what", LOOKS)
def test_another_thread_sees_nothing_before_the_commit(ab: Any, what: str) -> None:
    m, update = ab(A)
    look, expected = LOOKS[what]
    seen = look_while_staging(m, lambda: update(B, undo=False, policy="replace"), lambda: look(m))
    assert seen == expected
    assert m.result == ("new", "g", "new")
    assert m.f() == m.call() == m.it.m() == "new"


def test_another_thread_cannot_import_a_new_name_before_the_commit(ab: Any) -> None:
    m, update = ab(A)

    def look() -> str:
        try:
            exec(f"from {m.__name__} import g", {})
        except ImportError:
            return "no such name"
        return "there"

    assert look_while_staging(m, lambda: update(B, undo=False), look) == "no such name"
    assert m.g() == "g"


def test_another_module_of_the_same_update_is_not_seen_changed_either(program: Any) -> None:
    lib, m = program.load(lib="def f(): return 'old'\n", m=A + "    import @lib@ as lib\n")
    program.write({"lib": "def f(): return 'new'\n", "m": B + "    import @lib@ as lib\n    other = lib.f()\n"})
    names = [program.world.name("lib"), program.world.name("m")]
    seen = look_while_staging(m, lambda: program.reload(names, undo=False), lib.f)
    assert seen == "old"
    assert m.other == lib.f() == "new"


def test_a_rollback_after_a_staged_statement_gives_the_old_program_back(ab: Any) -> None:
    m, update = ab(A)
    reports: list[Any] = []
    look_while_staging(m, lambda: reports.append(update(B, undo=False)), m.f)
    reports[0].rollback()
    assert m.f() == m.call() == m.it.m() == "old"
    assert not {"g", "added", "result"} & vars(m).keys()


def test_nothing_was_ever_seen_when_the_statement_fails(ab: Any) -> None:
    m, update = ab(A)

    def failing() -> None:
        with pytest.raises(rebottle.ExecutionError):
            update(B + "    raise ValueError\n", undo=False)

    assert look_while_staging(m, failing, lambda: (m.f(), hasattr(m, "g"))) == ("old", False)
    assert m.f() == m.call() == m.it.m() == "old"
    assert not {"g", "added", "result"} & vars(m).keys()


CALLS_OUT = """
    import @tools@ as tools
    def f(): return "old"
    held = tools.Box(f)
"""
TOOLS = """
    class Box:
        def __init__(self, item): self.item = item
    def call(fn, *args): return fn(*args)
    def through_sys(name):
        import sys
        return sys.modules[name].f()
    def through_import(name):
        import importlib
        return importlib.import_module(name).f()
"""


@pytest.mark.parametrize(
    "how", ["tools.call(f)", "tools.through_sys(__name__)", "tools.through_import(__name__)", "held.item()"]
)
def test_the_staged_world_reaches_through_other_modules(program: Any, how: str) -> None:
    _, m = program.load(tools=TOOLS, m=CALLS_OUT)
    program.update({"m": CALLS_OUT.replace('"old"', '"new"') + f"    result = {how}\n"})
    assert m.result == "new"
    assert m.held.item is m.f
