"""Each rule of the table: a scenario that passes, and one that is refused and leaves the program as it was."""

from __future__ import annotations

import importlib
import math
import os
import py_compile
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import rebottle
from rebottle import _native

HOME = Path(rebottle.__file__).parent.parent
SCENARIOS: dict[str, Callable[[Any, pytest.MonkeyPatch], None]] = {}

ROOT = Path(__file__).resolve().parent.parent
# Only a C++ host can meet these; tests/cpp has their scenarios.
OF_HOSTS = {"interpreter-gone", "interpreter-again", "second-engine", "sub-interpreter"}


def rule(name: str) -> Callable[[Callable[[Any, pytest.MonkeyPatch], None]], None]:
    """Registers the scenario of a rule."""

    def register(scenario: Callable[[Any, pytest.MonkeyPatch], None]) -> None:
        SCENARIOS[name] = scenario

    return register


def refused(name: str, update: Callable[[], object]) -> rebottle.Refusal:
    """The one refusal that ``update`` meets: of this rule, with a reason and a way out."""
    with pytest.raises(rebottle.RefusedError) as caught:
        update()
    [refusal] = caught.value.refusals
    assert refusal.rule == name
    assert refusal.why
    assert refusal.what_to_do
    assert f"[{name}]" in str(caught.value)
    return refusal


@rule("disabled")
def _(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    program = """
import rebottle
try:
    print(rebottle.reload().ok)
except rebottle.RefusedError as error:
    print(error.refusals[0].rule)
"""

    def says(**extra: str) -> str:
        env = os.environ | {"PYTHONPATH": str(HOME)} | extra
        return subprocess.run(
            [sys.executable, "-c", program], env=env, text=True, capture_output=True, timeout=60
        ).stdout

    assert says(REBOTTLE_DISABLE="0") == "True\n"
    assert says(REBOTTLE_DISABLE="1") == "disabled\n"


@rule("shutting-down")
def _(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    program = """
import atexit, threading
go_on = threading.Event()
def work():
    print(rebottle.reload([]).ok)
    go_on.wait()
    try:
        rebottle.reload([])
    except rebottle.RefusedError as error:
        print(error.refusals[0].rule, bool(error.refusals[0].why), bool(error.refusals[0].what_to_do))
thread = threading.Thread(target=work, daemon=True)
def late():
    go_on.set()
    thread.join()
    print(rebottle.reload([]).ok)
atexit.register(late)
import rebottle
thread.start()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "shutting-down", "True", "True", "True"]


@rule("held")
def _(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with rebottle.hold():
        refused("held", lambda: rebottle.reload([]))
        refused("held", lambda: rebottle.hotfix("pass"))
    assert rebottle.reload([]).ok


@rule("nested-update")
def _(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = world.name("m")
    m = world.load(name, "x = 1\n")
    report = world.update(
        name,
        """
        import rebottle
        try:
            rebottle.reload([])
        except rebottle.RefusedError as error:
            RULE = error.refusals[0].rule
        """,
    )
    assert report.ok
    assert m.RULE == "nested-update"
    assert rebottle.reload([]).ok


@rule("not-a-module")
def _(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real, other = world.name("real"), world.name("other")
    m = world.load(real, "def f(): return 1\n")
    thing = SimpleNamespace(x=1)
    monkeypatch.setitem(sys.modules, other, thing)
    refused("not-a-module", lambda: rebottle.reload(other))
    assert vars(thing) == {"x": 1}
    assert world.update(real, "def f(): return 2\n").ok
    assert m.f() == 2


@rule("compiled-module")
def _(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(vars(math))
    for name in ("sys", "math"):
        refused("compiled-module", partial(rebottle.reload, name))
        refused("compiled-module", partial(rebottle.reload, name, sources={name: "x = 1\n"}))
    assert vars(math) == before
    assert rebottle.reload("textwrap").ok


def bytecode(world: Any, name: str, text: str) -> None:
    """Leave only the bytecode of ``text`` as the module."""
    source = world.write(name, text)
    py_compile.compile(str(source), cfile=str(source.with_suffix(".pyc")), doraise=True)
    source.unlink()
    importlib.invalidate_caches()


@rule("bytecode-statement")
def _(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = world.name("dark")
    bytecode(world, name, "X = len('a')\ndef f(): return 1\n")
    m = world.load(name)
    bytecode(world, name, "X = len('a')\ndef f(): return 2\n")
    assert rebottle.reload(name).ok
    assert m.f() == 2
    bytecode(world, name, "X = len('aa')\ndef f(): return 3\n")
    assert refused("bytecode-statement", lambda: rebottle.reload(name)).where.startswith(name)
    assert (m.X, m.f()) == (1, 2)


@rule("class-layout")
def _(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = world.name("m")
    text = "class A({}):\n    __slots__ = {}\n    def f(self): return {}\n"
    m = world.load(name, text.format("object", "('x',)", 1))
    one = m.A()
    assert world.update(name, text.format("object", "('x', 'y')", 2)).ok
    one.y = one.f()
    assert one.y == 2
    other = world.name("other")
    n = world.load(other, text.format("list", "('x',)", 1))
    held = n.A([1])
    world.write(other, text.format("list", "('x', 'y')", 2))
    assert refused("class-layout", lambda: rebottle.reload(other)).where == f"{other}.A"
    assert (held.f(), held) == (1, [1])


@rule("class-metaclass")
def _(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = world.name("m")
    text = "import ctypes\nclass Meta(type): pass\nWide = type(ctypes.Structure)\nclass C{}: pass\n"
    m = world.load(name, text.format(""))
    assert world.update(name, text.format("(metaclass=Meta)")).ok
    assert type(m.C) is m.Meta
    world.write(name, text.format("(metaclass=Wide)"))
    assert refused("class-metaclass", lambda: rebottle.reload(name)).where == f"{name}.C"
    assert type(m.C) is m.Meta


@rule("rollback-order")
def _(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = world.name("m")
    m = world.load(name, "def f(): return 1\ndef g(): return 1\n")
    first = world.update(name, "def f(): return 2\ndef g(): return 1\n")
    other = world.update(name, "def f(): return 2\ndef g(): return 2\n")
    second = world.update(name, "def f(): return 3\ndef g(): return 2\n")
    other.rollback()
    assert (m.f(), m.g()) == (3, 1)
    refused("rollback-order", first.rollback)
    assert m.f() == 3
    second.rollback()
    first.rollback()
    assert m.f() == 1


@rule("rollback-gone")
def _(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = world.name("m")
    m = world.load(name, "def f(): return 1\n")
    report = world.update(name, "def f(): return 2\n")
    report.rollback()
    assert m.f() == 1
    refused("rollback-gone", report.rollback)
    assert m.f() == 1


def met() -> set[str]:
    """The rules by which the engine refuses something, as its sources have them."""
    text = "".join(path.read_text() for path in (ROOT / "src").rglob("*.cpp") if path.name != "rules.cpp")
    return set(re.findall(r'\brefus(?:e|al)\(\s*"([a-z-]+)"', text))


def test_what_is_refused_is_in_the_table() -> None:
    assert met() <= {each[0] for each in _native.rules()}


@pytest.mark.parametrize("name", sorted(met() - OF_HOSTS))
def test_each_rule_has_what_passes_and_what_is_refused(name: str, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    SCENARIOS[name](world, monkeypatch)


def test_the_ids_are_different_and_all_say_something() -> None:
    table = _native.rules()
    assert len({row[0] for row in table}) == len(table)
    for row in table:
        assert all(row), row[0]
