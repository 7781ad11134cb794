"""The arrows between the rooms of ``src`` go one way, and what is dangerous stays where it belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# The flow, left to right: a room may include what stands before it. `report` holds values that plan, stage and commit
# fill in, so it stands before them.
ROOMS = ["base", "compat", "source", "code", "live", "report", "plan", "stage", "commit", "watch", "engine", "bind"]

FORBIDDEN = [
    pytest.param(r"#\s*include\s*[<\"]Python\.h", {"base"}, id="Python.h"),
    pytest.param(r"\b(PY_VERSION_HEX|PY_(MAJOR|MINOR|MICRO)_VERSION)\b", {"compat"}, id="version"),
    pytest.param(r"#\s*include\s*[<\"](internal/)?pycore_|\bPy_BUILD_CORE\b", {"compat"}, id="internals"),
    pytest.param(r"\bcatch\s*\(\s*\.\.\.\s*\)", {"engine.cpp", "bind/module.cpp"}, id="catch-all"),
]


def sources(*folders: Path) -> list[Path]:
    """The C++ files under ``folders``."""
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in {".cpp", ".hpp"})


def without_comments(text: str) -> str:
    """``text`` with comments blanked; line breaks stay."""
    blank = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
    return blank.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def room(path: Path) -> str:
    """``src/plan/x.cpp`` is in ``plan``, ``src/engine.cpp`` in ``engine``."""
    relative = path.relative_to(SRC)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def included_rooms(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and room of each ``#include "room/…"`` of ``path``."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if not match:
            continue
        target = SRC / match[1] if (SRC / match[1]).exists() else path.parent / match[1]
        if target.exists() and target.resolve().is_relative_to(SRC):
            yield number, room(target.resolve())


def test_rooms_include_only_what_stands_to_their_left() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} includes {target}"
        for path in sources(SRC)
        for line, target in included_rooms(path)
        if ROOMS.index(target) > ROOMS.index(room(path))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("pattern", "allowed"), FORBIDDEN)
def test_what_is_dangerous_stays_in_its_place(pattern: str, allowed: set[str]) -> None:
    wrong = []
    for path in sources(SRC, ROOT / "include"):
        if path.is_relative_to(SRC) and ({room(path), path.relative_to(SRC).as_posix()} & allowed):
            continue
        text = without_comments(path.read_text())
        for match in re.finditer(pattern, text):
            line = text.count("\n", 0, match.start()) + 1
            wrong.append(f"{path.relative_to(ROOT)}:{line} has {match[0]}")
    assert not wrong, "\n".join(wrong)


def test_public_headers_stand_alone() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} includes {name}"
        for path in sources(ROOT / "include")
        for name in re.findall(r"#\s*include\s*[<\"]([^>\"]+)", path.read_text())
        if not name.startswith("rebottle/") and (name.endswith((".h", ".hpp")) or "/" in name)
    ]
    assert not wrong, "\n".join(wrong)


def test_sources_are_of_a_size_that_can_be_read() -> None:
    long = [f"{path.relative_to(ROOT)}" for path in sources(SRC) if len(path.read_text().splitlines()) > 400]
    assert not long, f"over 400 lines, so each is two files: {long}"
