"""Section 9 and 6.1: text handed over directly, and how text is decoded."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
import types
from pathlib import Path

import pytest

import rebottle
from tests.contract.api.scenario import Program

OLD = "def f(): return 'old'\nclass C:\n    def g(self): return 'old'\n"
NEW = OLD.replace("'old'", "'new'")


def test_text_is_used_instead_of_the_loaders(program: Program) -> None:
    [m] = program.load(m=OLD)
    f, one = m.f, m.C()
    program.reload([m.__name__], sources={m.__name__: NEW})
    assert m.f is f
    assert f() == one.g() == "new"
    assert Path(m.__file__ or "").read_text(encoding="utf-8") == OLD


@pytest.mark.parametrize("head", ["# coding: latin-1\n", "\ufeff", "# coding: nonsense\n"])
def test_text_is_decoded_already(program: Program, head: str) -> None:
    [m] = program.load(m=OLD)
    program.reload([m.__name__], sources={m.__name__: head + "def f(): return 'é'\n"})
    assert m.f() == "é"


def test_text_with_a_null_is_an_error_of_the_source(program: Program) -> None:
    [m] = program.load(m=OLD)
    with pytest.raises(rebottle.SourceError, match=m.__name__):
        rebottle.reload([m.__name__], sources={m.__name__: NEW + "\0"})
    assert m.f() == "old"


def test_text_for_one_of_two_modules(program: Program) -> None:
    one, two = program.load(one=OLD, two=OLD)
    names = program.write({"two": NEW})
    program.reload([one.__name__, *names], sources={one.__name__: NEW})
    assert one.f() == two.f() == "new"


def test_a_module_without_a_file(program: Program) -> None:
    name = program.world.name("made")
    module = types.ModuleType(name)
    exec(OLD, vars(module))
    sys.modules[name] = module
    try:
        f, one = module.f, module.C()
        program.reload([name], sources={name: NEW}, undo=False)
        assert module.f is f
        assert f() == one.g() == "new"
        program.reload([name], sources={name: NEW + "def more(): return 1\n"}, undo=False)
        assert module.more() == 1
    finally:
        del sys.modules[name]


def test_a_module_without_a_file_or_text_is_an_error(program: Program) -> None:
    name = program.world.name("made")
    sys.modules[name] = types.ModuleType(name)
    try:
        with pytest.raises(rebottle.SourceError):
            rebottle.reload([name])
    finally:
        del sys.modules[name]


def test_a_syntax_error_in_handed_text(program: Program) -> None:
    [m] = program.load(m=OLD)
    with pytest.raises(rebottle.SourceError) as caught:
        rebottle.reload([m.__name__], sources={m.__name__: "x = 1\ndef f(:\n"})
    assert isinstance(caught.value.__cause__, SyntaxError)
    assert "line 2" in str(caught.value)
    assert m.f() == "old"


def test_handed_text_shows_in_tracebacks_and_inspect(program: Program) -> None:
    [m] = program.load(m=OLD)
    program.reload([m.__name__], sources={m.__name__: "\n\ndef f():\n    raise ValueError('x')  # here\n"})
    with pytest.raises(ValueError, match="x") as caught:
        m.f()
    assert traceback.extract_tb(caught.value.__traceback__)[-1].lineno == 4
    assert "# here" in inspect.getsource(m.f)


def test_a_plan_takes_text_as_well(program: Program) -> None:
    [m] = program.load(m=OLD)
    plan = rebottle.plan([m.__name__], sources={m.__name__: NEW})
    assert {change.where.rpartition(".")[2] for change in plan.changes} == {"f", "g"}
    assert m.f() == "old"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\xef\xbb\xbfdef f(): return 'a\xc3\xa4'\n", b"\xef\xbb\xbfdef f(): return 'b\xc3\xa4'\n"),
        (b"def f(): return 'a\xc3\xa4'\n", b"\xef\xbb\xbfdef f(): return 'b\xc3\xa4'\n"),
        (b"# coding: latin-1\ndef f(): return 'a\xe4'\n", b"# coding: latin-1\ndef f(): return 'b\xe4'\n"),
        (
            b"#!/bin/x\n# -*- coding: cp1252 -*-\ndef f(): return 'a\xe4'\n",
            b"# coding: cp1252\ndef f(): return 'b\xe4'\n",
        ),
        (b"def f(): return 'a\xc3\xa4'\n", b"# vim: set fileencoding=latin-1 :\ndef f(): return 'b\xe4'\n"),
    ],
    ids=["bom", "bom added", "latin-1", "cp1252", "cookie added"],
)
def test_text_is_decoded_as_python_does(program: Program, old: bytes, new: bytes) -> None:
    name = program.world.name("coded")
    path = program.world.write(name, "")
    path.write_bytes(old)
    m = program.world.load(name)
    f = m.f
    assert f() == "aä"
    path.write_bytes(new)
    program.reload([name])
    assert m.f is f
    assert f() == "bä"


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_other_line_ends(program: Program, end: bytes) -> None:
    name = program.world.name("ends")
    path = program.world.write(name, "")
    text = "def f():\n    x = '''a\nb'''\n    return x, 'old'\nclass C:\n    def g(self):\n        raise ValueError\n"
    path.write_bytes(text.encode().replace(b"\n", end))
    m = program.world.load(name)
    path.write_bytes(("# one\n" + text.replace("'old'", "'new'")).encode().replace(b"\n", end))
    program.reload([name])
    assert m.f() == ("a\nb", "new")
    assert m.C.g.__code__.co_firstlineno == 7


def test_only_the_line_ends_changed(program: Program) -> None:
    name = program.world.name("ends")
    path = program.world.write(name, OLD)
    m = program.world.load(name)
    path.write_bytes(OLD.encode().replace(b"\n", b"\r\n"))
    program.reload([name])
    assert m.f() == "old"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a remark", "def f(): return 'new'"])
def test_an_empty_file_and_one_without_a_last_line_end(program: Program, text: str) -> None:
    [m] = program.load(m=OLD)
    program.update({"m": text})
    assert m.f() == ("new" if text.startswith("def") else "old")


def test_an_unknown_encoding_is_an_error(program: Program) -> None:
    [m] = program.load(m=OLD)
    program.world.write(m.__name__, OLD).write_bytes(b"# coding: no-such-code\nx = 1\n")
    with pytest.raises(rebottle.SourceError):
        rebottle.reload([m])
    assert m.f() == "old"


def test_strange_names_in_the_text(program: Program) -> None:
    [m] = program.load(m="def größe(): return 'old'\n名前 = 1\n")
    program.update({"m": "def größe(): return 'new'\n名前 = 1\nπ = 3\n"})
    assert vars(m)["größe"]() == "new"
    assert vars(m)["π"] == 3


def test_a_form_feed_and_tabs(program: Program) -> None:
    [m] = program.load(m="\x0cdef f():\n\treturn 'old'\n\x0c\ndef g():\n\treturn 1\n")
    program.update({"m": "\x0cdef f():\n\treturn 'new'\n\x0c\ndef g():\n\treturn 2\n"})
    assert (m.f(), m.g()) == ("new", 2)


def test_the_module_cache_is_not_confused_by_equal_sizes(program: Program) -> None:
    [m] = program.load(m="def f(): return 1\n")
    importlib.invalidate_caches()
    for n in range(2, 6):
        program.update({"m": f"def f(): return {n}\n"})
        assert m.f() == n
