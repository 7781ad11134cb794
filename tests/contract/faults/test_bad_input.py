"""Bad input gets a clear error, and nothing changes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rebottle
from tests.conftest import World
from tests.graph import differences, digest

OLD = "def f(): return 1\nclass C:\n    def m(self): return 1\nTABLE = {'a': 1}\n"
NEW = OLD.replace("return 1", "return 2")
DEEP = 20_000

TEXTS = {
    "binary": os.urandom(64).replace(b"#", b"") + b"\x00\xff\xfe\x80",
    "null byte": b"def f(): return 1\n\x00\n",
    "utf-16": NEW.encode("utf-16"),
    "utf-32": NEW.encode("utf-32"),
    "latin-1 without a cookie": b"X = '\xe9'\n",
    "unknown encoding": b"# coding: klingon\nX = 1\n",
    "cookie and BOM that differ": b"\xef\xbb\xbf# coding: latin-1\nX = 1\n",
    "an encoding that is none of text": b"# coding: rot13\nk = 1\n",
    "half a line": NEW.encode() + b"def g(:",
    "half a string": NEW.encode() + b'X = """\n',
    "half a character": NEW.encode() + "# é".encode()[:-1],
    "parentheses": b"X = " + b"(" * DEEP + b")" * DEEP,
    "lists": b"X = " + b"[" * DEEP + b"]" * DEEP,
    "minus": b"X = " + b"-" * DEEP + b"1",
    "not": b"X = " + b"not " * DEEP + b"1",
    "await": b"async def g(): " + b"await " * DEEP + b"1",
    "lambdas": b"X = " + b"lambda: " * DEEP + b"1",
    "conditionals": b"X = " + b"1 if 1 else " * DEEP + b"1",
    "powers": b"X = " + b"1 ** " * DEEP + b"1",
    "blocks": b"".join(b" " * i + b"if 1:\n" for i in range(200)) + b" " * 200 + b"pass\n",
    "f-strings": b"X = " + b"f'{" * 300 + b"1" + b"}'" * 300,
    "f-strings without end": b"f'{" * 500_000,
    "format specifications": b"f'{1:" + b"{1:" * 500_000,
}
# What the parser takes, and what must not end the process either: it works or it is an error.
LONG = {
    "attributes": "def g(x): return x" + ".a" * DEEP + "\n",
    "calls": "def g(x): return x" + "()" * DEEP + "\n",
    "subscripts": "def g(x): return x" + "[0]" * DEEP + "\n",
    "sums": "X = " + "1 + " * DEEP + "1\n",
    "elif": "def g(x):\n    if x == 0: return 0\n" + "".join(f"    elif x == {i}: return {i}\n" for i in range(5_000)),
    "strings": "X = (" + "'a'\n" * DEEP + ")\n",
    "classes": "".join("    " * i + f"class N{i}:\n" for i in range(60)) + "    " * 60 + "pass\n",
    "functions": "".join("    " * i + f"def n{i}():\n" for i in range(60)) + "    " * 60 + "pass\n",
    "assignments": "".join(f"x{i} = {i}\n" for i in range(5_000)),
    "one name": "x = 1\n" * 10_000,
    "a line of statements": ";".join(f"x{i} = {i}" for i in range(10_000)) + "\n",
    "a line": "X = '" + "x" * 2_000_000 + "'\n",
}


@pytest.mark.parametrize("content", TEXTS.values(), ids=TEXTS)
def test_text_that_is_no_source(world: World, content: bytes) -> None:
    name = world.name("m")
    path = world.write(name, OLD)
    m = world.load(name)
    before = digest(m)
    path.write_bytes(content)
    with pytest.raises(rebottle.SourceError) as caught:
        rebottle.reload([name])
    assert str(path) in str(caught.value)
    assert caught.value.__cause__ is not None
    assert not differences(before, digest(m))
    path.write_text(NEW)
    rebottle.reload([name])
    assert (m.f(), m.C().m()) == (2, 2)


def in_a_thread(run: Callable[[], None]) -> None:
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


@pytest.mark.parametrize("where", [lambda run: run(), in_a_thread], ids=["main thread", "thread"])
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_text_that_is_very_long(world: World, text: str, where: Callable[[Callable[[], None]], None]) -> None:
    name = world.name("m")
    m = world.load(name, OLD)
    before = digest(m)

    def run() -> None:
        try:
            report = rebottle.reload([name], sources={name: NEW + text})
        except rebottle.SourceError:
            pass
        else:
            assert m.f() == 2
            longer = rebottle.reload([name], sources={name: NEW.replace("2", "3") + text})
            assert m.f() == 3
            longer.rollback()
            report.rollback()

    where(run)
    assert not differences(before, digest(m))


def test_a_file_that_goes_while_it_is_read(world: World) -> None:
    name = world.name("m")
    path = world.write(name, OLD)
    m = world.load(name)
    path.write_text(NEW)
    before = digest(m)
    finder: Any = type("Finder", (), {"find_spec": staticmethod(lambda *_: path.unlink(missing_ok=True))})
    sys.meta_path.insert(0, finder)
    try:
        with pytest.raises(rebottle.SourceError, match=name):
            rebottle.reload([name])
    finally:
        sys.meta_path.remove(finder)
    assert not differences(before, digest(m))
    path.write_text(NEW)
    rebottle.reload([name])
    assert m.f() == 2


@pytest.mark.parametrize("kind", ["folder", "link to itself", "link to nothing", "link into a file"])
def test_something_else_in_the_file_s_place(world: World, kind: str) -> None:
    name = world.name("m")
    path = world.write(name, OLD)
    m = world.load(name)
    before = digest(m)
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "link to itself":
            path.symlink_to(path.name)
        case "link to nothing":
            path.symlink_to("nowhere")
        case _:
            path.symlink_to("/dev/null/nothing")
    finders = dict(sys.path_importer_cache)
    with pytest.raises(rebottle.SourceError):
        rebottle.reload([name])
    assert not differences(before, digest(m))
    assert sys.path_importer_cache == finders


@pytest.mark.parametrize(
    "name", ["", " ", "1a", "a-b", "a..b", ".a", "a.", "é\ud800", "a\0b", "x" * 100_000, "../m", "a b"]
)
def test_names_that_are_none(name: str) -> None:
    before = set(sys.modules)
    with pytest.raises((rebottle.UpdateError, ValueError)):
        rebottle.reload([name])
    with pytest.raises((rebottle.UpdateError, ValueError)):
        rebottle.reload([name], sources={name: "X = 1\n"})
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    "name", ["sys", "builtins", "_frozen_importlib", "math", "_json", "time", "itertools", "zipimport"]
)
def test_modules_without_python_source(name: str) -> None:
    __import__(name)
    with pytest.raises(rebottle.UpdateError):
        rebottle.reload([name])


def test_a_module_that_replaced_itself(world: World) -> None:
    name = world.name("m")
    world.write(name, "import sys\nclass Lazy: x = 1\nsys.modules[__name__] = Lazy()\n")
    lazy = world.load(name)
    with pytest.raises(rebottle.RefusedError) as caught:
        rebottle.reload([name])
    assert [each.rule for each in caught.value.refusals] == ["not-a-module"]
    assert sys.modules[name] is lazy
    del sys.modules[name]


@pytest.mark.parametrize("missing", ["__spec__", "__loader__", "__file__", "__name__", "__package__", "__builtins__"])
def test_a_module_that_lacks_what_the_import_system_gives(world: World, missing: str) -> None:
    name = world.name("m")
    path: Path = world.write(name, OLD)
    m = world.load(name)
    delattr(m, missing)
    path.write_text(NEW)
    try:
        rebottle.reload([name])
    except rebottle.UpdateError:
        assert m.f() == 1
        rebottle.reload([name], sources={name: NEW})
    assert (m.f(), m.C().m()) == (2, 2)
