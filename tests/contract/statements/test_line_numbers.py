"""Contract 2.2 and 3: line numbers and sources are right after definitions moved."""

from __future__ import annotations

import bdb
import functools
import inspect
import traceback
import types
from typing import Any

import pytest

SHIFT = "# one\n# two\n\n"
A = """\
def f():
    raise ValueError


class C:
    def m(self):
        raise ValueError

    class Inner:
        def deep(self):
            raise ValueError


def outer():
    def inner():
        raise ValueError
    return inner


shout = lambda: int("x")
made = outer()


def gen():
    yield 1
    raise ValueError
"""

CALLS = {
    "a function": (lambda m: m.f(), 2),
    "a method": (lambda m: m.C().m(), 7),
    "a method of a nested class": (lambda m: m.C.Inner().deep(), 11),
    "a closure made later": (lambda m: m.outer()(), 16),
    "a closure made earlier": (lambda m: m.made(), 16),
    "a lambda": (lambda m: m.shout(), 20),
    "a generator": (lambda m: list(m.gen()), 26),
}


def line_of(m: types.ModuleType, call: Any) -> int | None:
    """The line of the module's last frame when ``call`` raises."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call(m)
    frames = [frame for frame in traceback.extract_tb(caught.value.__traceback__) if frame.filename == m.__file__]
    return frames[-1].lineno


@pytest.mark.parametrize("where", CALLS)
def test_tracebacks_of_moved_code_have_the_new_line(ab: Any, where: str) -> None:
    m, update = ab(A)
    call, line = CALLS[where]
    assert line_of(m, call) == line
    report = update(SHIFT + A)
    assert line_of(m, call) == line + 3
    report.rollback()
    assert line_of(m, call) == line


@pytest.mark.parametrize("where", CALLS)
def test_tracebacks_below_an_edited_function_have_the_new_line(ab: Any, where: str) -> None:
    m, update = ab("def first():\n    return 1\n\n\n" + A)
    call, line = CALLS[where]
    update("def first():\n    x = 1\n    x += 1\n    return x\n\n\n" + A)
    assert line_of(m, call) == line + 6
    assert m.first() == 2


def test_two_functions_that_changed_places_have_their_own_lines(ab: Any) -> None:
    m, update = ab("def f():\n    int('x')\n\ndef g():\n    return int('y')\n")
    f, g = m.f, m.g
    update("def g():\n    return int('y')\n\ndef f():\n    int('x')\n")
    assert (m.f, m.g) == (f, g)
    assert (line_of(m, lambda m: f()), line_of(m, lambda m: g())) == (5, 2)


def test_the_first_line_of_moved_functions_and_classes_is_right(ab: Any) -> None:
    m, update = ab(A)
    update(SHIFT + A)
    assert m.f.__code__.co_firstlineno == 4
    assert m.C.m.__code__.co_firstlineno == 9
    assert inspect.getsourcelines(m.f)[1] == 4
    assert inspect.getsourcelines(m.C)[1] == 8
    assert inspect.getsourcelines(m.C.Inner)[1] == 12


def test_getsource_of_functions_and_classes_is_the_new_text(ab: Any) -> None:
    m, update = ab("def f():\n    return 1\n\n\nclass C:\n    def m(self):\n        return 1\n")
    assert inspect.getsource(m.f) == "def f():\n    return 1\n"
    update("import os\n\n\ndef f():\n    return 2\n\n\nclass C:\n    x = 1\n\n    def m(self):\n        return 2\n")
    assert inspect.getsource(m.f) == "def f():\n    return 2\n"
    assert inspect.getsource(m.C.m) == "    def m(self):\n        return 2\n"
    assert inspect.getsource(m.C) == "class C:\n    x = 1\n\n    def m(self):\n        return 2\n"


def test_getsource_of_something_only_moved_is_right(ab: Any) -> None:
    m, update = ab(A)
    source = inspect.getsource(m.C), inspect.getsource(m.f), inspect.getsource(m.made)
    update(SHIFT + A)
    assert (inspect.getsource(m.C), inspect.getsource(m.f), inspect.getsource(m.made)) == source


def test_the_lines_of_a_traceback_are_the_new_text(ab: Any) -> None:
    m, update = ab("def f():\n    return int('old')\n")
    with pytest.raises(ValueError, match="old") as caught:
        m.f()
    assert traceback.extract_tb(caught.value.__traceback__)[-1].line == "return int('old')"
    update("x = 1\ndef f():\n    return int('new')\n")
    with pytest.raises(ValueError, match="new") as caught:
        m.f()
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.lineno, last.line) == (3, "return int('new')")


class Stops(bdb.Bdb):
    """A debugger that only notes the lines at which it stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []

    def user_line(self, frame: types.FrameType) -> None:
        if self.break_here(frame):
            self.lines.append(frame.f_lineno)
        self.set_continue()


@pytest.mark.parametrize("edit", ["moved", "edited"])
def test_a_breakpoint_set_on_a_line_of_the_new_file_stops_there(ab: Any, edit: str) -> None:
    m, update = ab("def f():\n    x = 1\n    return x\n")
    held = m.f
    body = {"moved": "    x = 1\n", "edited": "    x = 0\n    x += 1\n"}[edit]
    text = "# moved\n\ndef f():\n" + body + "    return x\n"
    update(text)
    line = text.splitlines().index("    return x") + 1
    debugger = Stops()
    assert debugger.set_break(m.__file__, line) is None
    assert debugger.runcall(held) == 1
    debugger.clear_all_breaks()
    assert debugger.lines == [line]


def test_co_filename_and_first_line_are_those_of_a_fresh_import(ab: Any, program: Any) -> None:
    m, update = ab(A)
    new = SHIFT + A.replace("raise ValueError", "x = 1\n    raise ValueError", 1)
    [fresh] = program.load(fresh=new)
    update(new)

    def shape(module: Any) -> list[tuple[int, list[Any]]]:
        codes = [module.f, module.C.m, module.C.Inner.deep, module.outer, module.shout, module.gen]
        return [(f.__code__.co_firstlineno, list(f.__code__.co_lines())) for f in codes]

    assert shape(m) == shape(fresh)
    assert {f.__code__.co_filename for f in (m.f, m.C.m, m.outer, m.made)} == {m.__file__}


BEFORE = """\
def keep(f):
    return f

def wrapped(f):
    def inner(*args):
        return f(*args)
    return inner

@keep
def decorated(a):
    return a

@wrapped
def forwarded(a):
    return a

class Box:
    def __init__(self, size=(1, 2)):
        self.size = size

    class Lid:
        def shut(self):
            self.closed = True

    def local(self):
        class Inside:
            pass
        return Inside

class Last:
    pass

def tail():
    return 1
"""
LONGER = "".join(f"VALUE_{number} = {number}\n" for number in range(40))
NEW = """\
def new():
    return 2


class New:
    def m(self):
        self.x = 1


def tail"""
EDITS = {
    "(a):": "(a, b=0):",
    "    class Lid": "    colour = 'red'\n\n    class Lid",
    "            pass\n": "            y = 1\n",
    "self.size = size": "self.size = size\n        self.kind = 1",
    "def tail": NEW,
}
AFTER = functools.reduce(lambda text, edit: text.replace(*edit), EDITS.items(), LONGER + BEFORE)


def lines_of(module: Any) -> dict[str, Any]:
    """Where everything begins."""
    functions = [module.keep, module.wrapped, module.decorated, module.Box.__init__, module.Box.Lid.shut, module.tail]
    functions += [module.forwarded.__closure__[0].cell_contents, *(getattr(module, "new", None) or [],)]
    classes = [module.Box, module.Box.Lid, module.Box().local(), module.Last, getattr(module, "New", module.Box)]
    return {
        "functions": [f.__code__.co_firstlineno for f in functions if callable(f)],
        "classes": [getattr(c, "__firstlineno__", None) for c in classes],
        "attributes": [sorted(getattr(c, "__static_attributes__", ())) for c in classes],
    }


def test_lines_are_those_of_a_fresh_import_where_much_was_put_in(ab: Any, program: Any) -> None:
    m, update = ab(BEFORE)
    [fresh] = program.load(fresh=AFTER)
    former = lines_of(m)
    report = update(AFTER)
    assert lines_of(m) == lines_of(fresh)
    report.rollback()
    assert lines_of(m) == former
