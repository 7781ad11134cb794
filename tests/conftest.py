"""Fixtures shared by all tests: a throw-away program made of real files."""

from __future__ import annotations

import importlib
import itertools
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import rebottle

_unique = itertools.count()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--open``: run the scenarios of sentences that don't hold yet, instead of all others."""
    parser.addoption("--open", action="store_true", help="run only the scenarios listed in tests/open.txt")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what ``open.txt`` lists, or everything else."""
    lines = Path(__file__).with_name("open.txt").read_text(encoding="utf-8").splitlines()
    names = {line for line in lines if line and not line.startswith("# ")}
    only_open = bool(config.getoption("--open"))
    left_out = [item for item in items if (item.nodeid.removeprefix("tests/") in names) != only_open]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


class World:
    """A folder on ``sys.path`` whose modules a test writes, imports and edits.

    Module names are made unique per test with :meth:`name`, so that tests never share modules.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tag = f"w{next(_unique)}"

    def name(self, stem: str) -> str:
        """``stem`` with a suffix that no other test uses."""
        return f"{stem}_{self.tag}"

    def write(self, module: str, text: str, *, package: bool = False) -> Path:
        """Write the source of ``module`` (dotted names make packages); ``@NAME@`` becomes ``name(NAME)``."""
        path = self.root.joinpath(*module.split("."))
        path = path / "__init__.py" if package else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text(text), encoding="utf-8")
        importlib.invalidate_caches()
        return path

    def text(self, text: str) -> str:
        """``text`` dedented, with each ``@NAME@`` replaced by this world's name for it."""
        out = textwrap.dedent(text)
        return re.sub(r"@([a-z][a-z0-9_]*)@", lambda match: self.name(match[1]), out)

    def load(self, module: str, text: str | None = None, *, package: bool = False) -> ModuleType:
        """Write (if ``text`` is given) and import ``module``."""
        if text is not None:
            self.write(module, text, package=package)
        return importlib.import_module(module)

    def update(self, module: str, text: str, **options: Any) -> rebottle.Report:
        """Write the new source of ``module`` and reload just it."""
        self.write(module, text)
        return rebottle.reload([module], **options)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A fresh :class:`World`; its modules are forgotten after the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield World(tmp_path)
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and file.startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def ab(world: World) -> Callable[..., tuple[ModuleType, Callable[..., rebottle.Report]]]:
    """``m, update = ab(text_of_A)``; then ``report = update(text_of_B, **options)``."""

    def start(text: str) -> tuple[ModuleType, Callable[..., rebottle.Report]]:
        name = world.name("m")
        module = world.load(name, text)
        return module, lambda new, **options: world.update(name, new, **options)

    return start


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads change often, so that a torn request is likely where it is possible."""
    former = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(former)
