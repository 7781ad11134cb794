"""Arguments, files and modules of odd kinds get a clear error; nothing changes, and nothing hangs."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import rebottle
from tests.conftest import World
from tests.contract.api.scenario import run_script
from tests.graph import differences, digest, surroundings

OLD = "def f(): return 1\nclass C:\n    def m(self): return 1\n"
NEW = OLD.replace("return 1", "return 2")


class Entries:
    """Answers like a dict, with entries of its own kind."""

    def __init__(self, *entries: object) -> None:
        self.entries = entries

    def __getitem__(self, key: object) -> object:
        raise KeyError(key)

    def items(self) -> list[object]:
        return list(self.entries)


class EntriesOfDict(dict[str, str]):
    """A dict that tells other entries than it has."""

    def items(self) -> Any:
        return [1]


@pytest.mark.parametrize(
    "entries", [Entries(1), Entries(()), Entries(("m",)), Entries(("a", "b", "c")), EntriesOfDict()]
)
@pytest.mark.parametrize("argument", ["policy", "sources"])
@pytest.mark.parametrize("verb", [rebottle.reload, rebottle.plan])
def test_mappings_whose_entries_are_no_pairs(verb: Callable[..., object], argument: str, entries: Any) -> None:
    with pytest.raises(TypeError, match="pairs"):
        verb([], **{argument: entries})


def test_a_pattern_of_many_stars() -> None:
    assert not rebottle.reload("*" * 200 + "z" + "*a" * 200).changes


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("a*", False), ("*_w*", True), ("{}", True), ("{}*", True), ("*{}", True), ("{}.*", False)],
)
def test_patterns_name_what_they_cover(world: World, pattern: str, found: bool) -> None:
    name = world.name("m")
    m = world.load(name, OLD)
    world.write(name, NEW)
    rebottle.reload([pattern.format(name) if "{" in pattern else pattern.replace("*_w*", f"*_{world.tag}*")])
    assert (m.f() == 2) == found


def test_a_module_object_without_a_name() -> None:
    with pytest.raises(ValueError, match="no name"):
        rebottle.reload(ModuleType.__new__(ModuleType))


@pytest.mark.parametrize("text", ["\ud800", "X = '\ud800'\n", "# \udcff\n", "def f(): return '''\udfff'''\n"])
def test_text_with_lone_surrogates(world: World, text: str) -> None:
    name = world.name("m")
    m = world.load(name, OLD)
    before = digest(m)
    for update in (partial(rebottle.reload, [name], sources={name: NEW + text}), partial(rebottle.hotfix, text)):
        with pytest.raises(rebottle.SourceError) as caught:
            update()
        assert isinstance(caught.value.__cause__, UnicodeError)
    assert not differences(before, digest(m))


def test_a_path_with_a_null_character(tmp_path: Path) -> None:
    (tmp_path / "fix.py").write_text("raise AssertionError\n")
    with pytest.raises(rebottle.SourceError):
        rebottle.hotfix(tmp_path / "fix.py\0.txt")


def no_file(kind: str, path: Path) -> None:
    """Puts something there that one can open, and that has no end or no content."""
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(os.path.relpath(path))
        case _:
            path.symlink_to(kind)


@pytest.mark.parametrize("kind", ["pipe", "socket", "/dev/zero", "/dev/null", "/dev/full", "/dev/urandom"])
def test_what_has_no_end_is_not_read(world: World, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.root)
    name = world.name("m")
    path = world.write(name, OLD)
    m = world.load(name)
    path.unlink()
    no_file(kind, path)
    before = digest(m)
    with pytest.raises(rebottle.SourceError):
        rebottle.reload([name])
    with pytest.raises(rebottle.SourceError) as caught:
        rebottle.hotfix(path)
    assert isinstance(caught.value.__cause__, OSError)
    assert not differences(before, digest(m))

    alone = ModuleType(name)  # no spec: the file that it names is read as it is
    vars(alone)["__file__"] = str(path)
    exec(compile(OLD, str(path), "exec"), vars(alone))
    monkeypatch.setitem(sys.modules, name, alone)
    for ask in (rebottle.plan, rebottle.reload):
        with pytest.raises(rebottle.SourceError) as caught:
            ask([name])
        assert str(path) in str(caught.value)
    assert alone.f() == 1
    path.unlink()
    path.write_text(NEW)
    rebottle.reload([name])
    assert alone.f() == 2


@pytest.mark.parametrize("value", [None, 5, b"m", object()])
@pytest.mark.parametrize("attribute", ["__name__", "__file__", "__loader__", "__path__", "__package__", "__cached__"])
def test_attributes_of_modules_that_are_no_text(
    world: World, attribute: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = world.name("m")
    m = world.load(name, OLD)
    world.write(name, NEW)
    with monkeypatch.context() as odd:
        odd.setattr(m, attribute, value, raising=False)
        assert rebottle.plan([name]).changes
        rebottle.reload([name])
    assert (m.f(), m.C().m()) == (2, 2)


def test_a_plan_fails_as_a_reload_does(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    name = world.name("m")
    world.load(name, OLD)
    monkeypatch.setattr(sys, "path_importer_cache", None)
    for ask in (rebottle.plan, rebottle.reload):
        with pytest.raises(rebottle.UpdateError):
            ask([name])


@pytest.mark.parametrize("ask", [rebottle.plan, rebottle.reload])
def test_a_codec_that_was_looked_for_is_gone_again(world: World, ask: Callable[[list[str]], object]) -> None:
    name = world.name("m")
    path = world.write(name, OLD)
    world.load(name)
    import encodings

    for codec in ("quopri_codec", "uu_codec"):
        sys.modules.pop(f"encodings.{codec}", None)
    path.write_text(f"# coding: {'quopri' if ask is rebottle.plan else 'uu'}\nX = 1\n")
    before = surroundings(), set(vars(encodings))
    with pytest.raises(rebottle.SourceError):
        ask([name])
    assert (surroundings(), set(vars(encodings))) == before


def test_modules_that_the_engine_works_with_may_be_taken_away(tmp_path: Path) -> None:
    script = """
        import sys, rebottle
        report = rebottle.hotfix("import sys\\nsys.modules.clear()\\nimport sys")
        assert "io" not in sys.modules
        report.rollback()
        assert "io" in sys.modules
        sys.modules["sys"] = sys.modules["ast"] = sys.modules["gc"] = None
        rebottle.hotfix("X = 1").rollback()
        print("done")
        sys.stdout.flush()
    """
    assert run_script(tmp_path, script) == ["done"]
