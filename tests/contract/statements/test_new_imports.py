"""Contract 2.7 and 2.8: what the new source imports for the first time; modules of one update in any order."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import pytest

import rebottle


def test_a_new_module_is_imported_normally_and_exactly_once(program: Any) -> None:
    log, m = program.load(log="lines = []\n", m="x = 1\n")
    program.write({"new": "from @log@ import lines\nlines.append(__name__)\nvalue = 1\n"})
    program.update({"m": "import @new@ as new\nfrom @new@ import value\nx = 1\ny = new.value\n"})
    name = program.world.name("new")
    assert log.lines == [name]
    assert sys.modules[name] is m.new
    assert (m.value, m.y) == (1, 1)
    assert vars(m.new)["__spec__"].name == name


def test_a_new_module_imported_by_two_modules_of_the_update_is_imported_once(program: Any) -> None:
    log, a, b = program.load(log="lines = []\n", a="x = 1\n", b="x = 1\n")
    program.write({"new": "from @log@ import lines\nlines.append(1)\n"})
    program.update({"a": "import @new@ as new\nx = 1\n", "b": "import @new@ as new\nx = 1\n"})
    assert log.lines == [1]
    assert a.new is b.new


FAILURES = {
    "a statement that raises": "raise ValueError\n",
    "SystemExit": "raise SystemExit\n",
    "a missing import": "import no_such_module_here\n",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_new_module_is_taken_out_of_sys_modules_when_the_update_fails(program: Any, failure: str) -> None:
    [m] = program.load(m="x = 1\n")
    program.write({"new": "value = 1\n"})
    name = program.world.name("new")
    with pytest.raises(rebottle.ExecutionError):
        program.update({"m": "import @new@ as new\nx = 1\ny = 2\n" + FAILURES[failure]})
    assert name not in sys.modules
    assert not {"new", "y"} & vars(m).keys()
    program.update({"m": "import @new@ as new\nx = 1\n"})
    assert m.new is sys.modules[name]


def test_a_new_submodule_is_taken_out_of_its_parent_package_when_the_update_fails(program: Any) -> None:
    world = program.world
    pkg = world.name("pkg")
    parent = world.load(pkg, "x = 1\n", package=True)
    world.write(f"{pkg}.sub", "value = 1\n")
    program.load(m="x = 1\n")
    with pytest.raises(rebottle.ExecutionError):
        program.update({"m": "import @pkg@.sub\nx = 1\nraise ValueError\n"})
    assert f"{pkg}.sub" not in sys.modules
    assert not hasattr(parent, "sub")
    program.update({"m": "import @pkg@.sub\nx = 1\n"})
    assert parent.sub is sys.modules[f"{pkg}.sub"]


def test_a_whole_new_package_is_taken_out_when_the_update_fails(program: Any) -> None:
    world = program.world
    pkg = world.name("pkg")
    world.write(pkg, "from . import one\n", package=True)
    world.write(f"{pkg}.one", "value = 1\n")
    program.load(m="x = 1\n")
    with pytest.raises(rebottle.ExecutionError):
        program.update({"m": "import @pkg@\nx = 1\nraise ValueError\n"})
    assert not [name for name in sys.modules if name.split(".")[0] == pkg]


def test_a_new_module_that_fails_leaves_nothing(program: Any) -> None:
    [m] = program.load(m="def f(): return 'old'\n")
    program.write({"bad": "half = 1\nraise ValueError('bad')\n"})
    with pytest.raises(rebottle.ExecutionError, match="bad"):
        program.update({"m": "import @bad@\ndef f(): return 'new'\n"})
    assert m.f() == "old"
    assert program.world.name("bad") not in sys.modules


def test_a_new_module_and_an_updated_one_may_import_each_other(program: Any) -> None:
    [m] = program.load(m="def f(): return 'old'\n")
    program.write({"new": "import @m@ as m\ndef g(): return 'g ' + m.f()\n"})
    program.update({"m": "def f(): return 'new'\nfrom @new@ import g\nresult = g()\n"})
    assert (m.result, m.g()) == ("g new", "g new")
    assert m.g.__globals__["m"] is m


def test_two_new_modules_may_import_each_other(program: Any) -> None:
    [m] = program.load(m="x = 1\n")
    program.write(
        {"one": "import @two@ as two\ndef f(): return two.g() + 1\n", "two": "import @one@ as one\ndef g(): return 1\n"}
    )
    program.update({"m": "x = 1\nfrom @one@ import f\nresult = f()\n"})
    assert m.result == 2


A = {"a": "def f(): return 1\n", "b": "import @a@\n", "c": "import @b@\n"}
B = {
    "a": "def f(): return 1\ndef new_name(): return 'new'\nclass New: x = 'x'\nNUMBER = 7\n",
    "b": "import @a@\nfrom @a@ import new_name, New, NUMBER\n"
    "result = new_name(), New().x, NUMBER\ndef more(): return new_name()\n",
    "c": "import @b@\nfrom @b@ import more, result\nagain = more(), result\n",
}


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_new_names_are_imported_across_modules_whatever_order_they_were_named_in(
    program: Any, order: tuple[str, ...]
) -> None:
    a, b, c = program.load(**A)
    report = program.update({stem: B[stem] for stem in order})
    assert b.result == ("new", "x", 7)
    assert c.again == ("new", ("new", "x", 7))
    assert c.more is b.more
    assert b.new_name is a.new_name
    assert b.New is a.New
    report.rollback()
    for module in (a, b, c):
        assert not {"new_name", "result", "more", "again"} & vars(module).keys()


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_two_modules_that_import_each_other_take_each_other_s_new_names(program: Any, order: tuple[str, str]) -> None:
    old = {"a": "import @b@ as b\ndef f(): return 1\n", "b": "import @a@ as a\ndef g(): return 1\n"}
    new = {
        "a": "import @b@ as b\ndef f(): return 1\ndef new_f(): return 'f ' + b.new_g()\n",
        "b": "import @a@ as a\ndef g(): return 1\ndef new_g(): return 'g'\nfrom @a@ import new_f\nresult = new_f()\n",
    }
    _, b = program.load(**old)
    program.update({stem: new[stem] for stem in order})
    assert b.result == "f g"


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_a_failure_in_one_module_leaves_the_other_as_it_was(program: Any, order: tuple[str, str]) -> None:
    a, b = program.load(a="def f(): return 'old'\nlog = []\n", b="import @a@ as a\ndef g(): return 'old'\n")
    new = {
        "a": "def f(): return 'new'\nlog = []\nlog.append(1)\n",
        "b": "import @a@ as a\ndef g(): return 'new'\na.log.append(a.f())\n1 / 0\n",
    }
    with pytest.raises(rebottle.ExecutionError):
        program.update({stem: new[stem] for stem in order})
    assert (a.f(), b.g(), a.log) == ("old", "old", [])
