"""Contract 2.9 and 2.10: future lines, texts that must compile as a whole, modules that are still being executed."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

import rebottle

A = """\
log = []
log.append('run')
def f(x: int = 1) -> str:
    def inner(y: int): return y
    return inner
class C:
    log.append('class')
    z: int = 1
    def m(self, x: int): return x
made = f()
"""
FUTURE = "from __future__ import annotations\n"


def annotated(m: Any) -> list[object]:
    """Annotations of a function, an attribute, a method and an inner function."""
    return [m.f.__annotations__["x"], m.C.__annotations__["z"], m.C.m.__annotations__["x"], m.f().__annotations__["y"]]


def test_a_new_future_line_recompiles_every_body_and_runs_no_other_statement(ab: Any) -> None:
    m, update = ab(A)
    f, cls, made = m.f, m.C, m.made
    report = update(FUTURE + A)
    assert annotated(m) == ["int"] * 4
    assert m.log == ["run", "class"]
    assert m.f is f
    assert m.C is cls
    assert m.made is made
    report.rollback()
    assert annotated(m) == [int] * 4


def test_a_future_line_that_is_gone_recompiles_every_body_as_well(ab: Any) -> None:
    m, update = ab(FUTURE + A)
    assert annotated(m) == ["int"] * 4
    update(A)
    assert annotated(m) == [int] * 4
    assert m.log == ["run", "class"]


FORMS = {
    "several lines": "from __future__ import (\n    annotations,  # why\n)\n",
    "beside another": "from __future__ import absolute_import, annotations\n",
    "behind another": "'doc'\nfrom __future__ import division; from __future__ import annotations\n",
    "continued": "from __future__ \\\n    import annotations\n",
    "what is the language by now": "from __future__ import absolute_import\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_future_line_counts_in_every_form(ab: Any, program: Any, form: str) -> None:
    text = FORMS[form] + "def f(a: int): return 1\ndef g(): return 1\n"
    new = text.replace("a: int", "a: int = 0")
    m, update = ab(text)
    [fresh] = program.load(fresh=new)
    update(new)
    assert m.f.__annotations__ == fresh.f.__annotations__
    assert m.f.__code__.co_flags == fresh.f.__code__.co_flags
    assert m.g.__code__.co_flags == fresh.g.__code__.co_flags


def test_an_edit_below_a_future_line_is_compiled_with_it(ab: Any) -> None:
    a = FUTURE + "def f(x: int): return 'old'\n"
    m, update = ab(a)
    update(a.replace("'old'", "'new'").replace("x: int", "x: NoSuchName"))
    assert m.f(1) == "new"
    assert m.f.__annotations__ == {"x": "NoSuchName"}


NOT_AS_A_WHOLE = {
    "a late future line": "x = 1\ndef f(): return 'new'\nfrom __future__ import annotations\n",
    "an unknown future": "from __future__ import no_such_feature\ndef f(): return 'new'\n",
    "return outside a function": "def f(): return 'new'\nreturn 1\n",
    "break outside a loop": "def f(): return 'new'\nbreak\n",
    "nonlocal at module level": "def f(): return 'new'\nnonlocal x\n",
    "nonlocal without a binding": "def f():\n    nonlocal nothing\n    return 'new'\n",
    "global after use": "def f():\n    print(x)\n    global x\n    return 'new'\n",
    "await outside": "def f(): return 'new'\nawait f()\n",
    "a syntax error at the end": "def f(): return 'new'\ndef g(:\n",
    "an open bracket": "def f(): return 'new'\nx = (1,\n",
    "bad indentation": "def f(): return 'new'\n  x = 1\n",
    "a duplicate argument": "def f(a, a): return 'new'\n",
}


@pytest.mark.parametrize("text", NOT_AS_A_WHOLE)
def test_a_new_version_must_compile_as_a_whole(ab: Any, text: str) -> None:
    m, update = ab("x = 1\ndef f(): return 'old'\n")
    with pytest.raises(rebottle.SourceError) as caught:
        update(NOT_AS_A_WHOLE[text])
    assert isinstance(caught.value.__cause__, SyntaxError)
    assert m.__file__ in str(caught.value)
    assert "line " in str(caught.value)
    assert m.f() == "old"
    update("x = 1\ndef f(): return 'mended'\n")
    assert m.f() == "mended"


CONTROL = "step = lambda: None\n"


def test_statements_not_reached_of_a_module_being_executed_are_not_run_but_listed(program: Any) -> None:
    [control] = program.load(control=CONTROL)
    a = "import @control@ as control\nlog = []\ndef f(): return 'old'\ncontrol.step()\n"
    a += "def late(): return 'late'\nlog.append('end')\n"
    b = a.replace("'old'", "'new'").replace("log.append('end')", "log.append('end 2')") + "log.append('new')\n"
    name = program.world.name("m")
    result = SimpleNamespace()

    def step() -> None:
        program.write({"m": b})
        result.report = rebottle.reload([name])
        result.log = list(program.world.load(name).log)

    control.step = step
    m = program.world.load(name, a)
    assert result.log == []
    assert m.f() == "new"
    assert m.late() == "late"
    assert m.log == ["end"]
    assert any(f"{name}" in str(item) for item in result.report.kept), str(result.report)


def test_a_module_being_executed_goes_on_after_the_update(program: Any) -> None:
    [control] = program.load(control=CONTROL)
    a = "import @control@ as control\nx = 1\ncontrol.step()\ny = x + 1\n"
    name = program.world.name("m")

    def step() -> None:
        program.write({"m": a.replace("x = 1", "x = 1\nextra = 5")})
        rebottle.reload([name])

    control.step = step
    m = program.world.load(name, a)
    assert (m.x, m.y) == (1, 2)
    assert m.extra == 5


LOOP = """
import @control@ as control
n = 0
out = []
def tick(): return 'old'
while n < 3:
    n += 1
    out.append(tick())
    control.step()
def late(): return 'old'
class Late:
    def m(self): raise ValueError("late")
LIMIT = 1
"""


def test_what_an_executing_module_had_not_come_to_is_made_up_for_later(program: Any) -> None:
    [control] = program.load(control=CONTROL)
    new = LOOP.replace("'old'", "'new'").replace("n = 0", "#\n\nn = 0").replace("LIMIT = 1", "LIMIT = 2\nMORE = 3")
    texts = iter([new.replace("tick()", "tick( )"), "", new.replace("out.append(tick())", "out.append(tick() + '!')")])
    name = program.world.name("m")
    lines: list[int] = []
    kept: list[str] = []

    def step() -> None:
        if text := next(texts):
            program.write({"m": text})
            kept.extend(str(each) for each in rebottle.reload([name]).kept)
        lines.append(sys._getframe(1).f_lineno)

    control.step = step
    m = program.world.load(name, LOOP)
    assert m.out == ["old", "new", "new"]  # the loop itself goes on as it began
    assert lines == [11, 11, 11]
    assert sum("hasn't come to it" in each for each in kept) >= 2
    assert (m.late(), m.LIMIT, hasattr(m, "MORE")) == ("old", 1, False)
    report = program.reload([name], policy="merge")
    assert (m.late(), m.LIMIT, m.MORE) == ("new", 2, 3)
    assert m.out == ["old", "new", "new"]
    with pytest.raises(ValueError, match="late") as caught:
        m.Late().m()
    assert caught.traceback[-1].lineno + 1 == 14
    assert not program.reload([name]).changes
    assert report.changes
