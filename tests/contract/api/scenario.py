"""What the scenarios share: programs that are updated from A to B, and go back to A when the test ends.

``ab`` and ``program`` photograph the modules before each update. When the test is over, every update that is still in
force is rolled back, last one first, and the modules must look as they did: so each scenario of an update is one of its
rollback as well. ``undo=False`` leaves that out, where a test itself changes what the update changed.
"""

from __future__ import annotations

import enum
import importlib
import os
import py_compile
import re
import subprocess
import sys
import textwrap
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

import rebottle

IMPORT_SYSTEM = {"__builtins__", "__spec__", "__loader__", "__cached__", "__file__", "__path__", "__package__"}
OF_THE_TYPE = {"__dict__", "__weakref__", "_abc_impl", "__abstractmethods__", "__slotnames__"}  # the last is a cache
WRAPPERS = (staticmethod, classmethod)


class Files(Protocol):
    """What is needed of the ``world`` fixture."""

    tag: str
    root: Path

    def name(self, stem: str) -> str: ...
    def text(self, text: str) -> str: ...
    def write(self, module: str, text: str, *, package: bool = False) -> Any: ...
    def load(self, module: str, text: str | None = None, *, package: bool = False) -> types.ModuleType: ...


class Photo:
    """What a set of modules defines and holds, by value; identities are remembered weakly."""

    def __init__(self, modules: list[types.ModuleType]) -> None:
        self.values: dict[str, Any] = {}
        self.objects: dict[str, weakref.ref[Any]] = {}
        self.classes: set[int] = set()
        for module in modules:
            for name, value in vars(module).items():
                if name not in IMPORT_SYSTEM:
                    self.add(f"{module.__name__}.{name}", value, module)

    def add(self, path: str, value: object, module: types.ModuleType) -> None:
        """Note ``value`` and, for functions and classes of the module, what belongs to them."""
        if isinstance(value, types.FunctionType):
            self.objects[path] = weakref.ref(value)
            self.values[path] = function(value, {id(value)})
        elif isinstance(value, type) and value.__module__ == module.__name__ and id(value) not in self.classes:
            self.classes.add(id(value))
            self.objects[path] = weakref.ref(value)
            self.values[path] = (
                [f"{base.__module__}.{base.__qualname__}" for base in value.__mro__],
                type(value).__name__,
            )
            for name, member in list(vars(value).items()):
                if name == "_value2member_map_":
                    member = named_members(value, member)
                if name not in OF_THE_TYPE and (name != "__annotations__" or member):  # made when it is asked for
                    self.add(f"{path}.{name}", member, module)
        else:
            self.values[path] = plain(value, set())

    def differences(self, later: Photo) -> list[str]:
        """What another photograph shows differently, as text."""
        out = []
        for path in sorted(self.values.keys() | later.values.keys()):
            old, new = self.values.get(path, "(nothing)"), later.values.get(path, "(nothing)")
            if old != new:
                out.append(f"{path}: {new!r} instead of {old!r}")
            was, now = self.objects.get(path), later.objects.get(path)
            if was is not None and was() is not None and (now is None or now() is not was()):
                out.append(f"{path} is another object")
        return out


def named_members(owner: Any, by_value: dict[Any, Any]) -> dict[Any, Any]:
    """The entries of a flag's map that the source made; combinations join them when they are asked for."""
    return {member.name: key for key, member in by_value.items() if member.name in owner.__members__}


def function(value: types.FunctionType, seen: set[int]) -> tuple[object, ...]:
    """The parts of a function that an update may change."""
    cells = [plain(cell.cell_contents, seen) for cell in value.__closure__ or () if filled(cell)]
    rest = plain(value.__defaults__, seen), plain(value.__kwdefaults__, seen), plain(value.__annotations__, seen)
    return value.__code__, rest, value.__doc__, value.__name__, value.__qualname__, sorted(value.__dict__), cells


def filled(cell: types.CellType) -> bool:
    """Whether the cell has a value."""
    return cell != types.CellType()


def plain(value: object, seen: set[int]) -> object:
    """``value`` as something that can be compared, addresses left out."""
    if id(value) in seen:
        return "(again)"
    inner = seen | {id(value)}
    if isinstance(value, enum.Enum):
        return type(value).__name__, value.name, plain(value.value, inner)
    if isinstance(value, dict):
        return type(value).__name__, [(plain(k, inner), plain(v, inner)) for k, v in value.items()]
    if isinstance(value, (list, tuple, deque)):
        return type(value).__name__, [plain(item, inner) for item in value]
    if isinstance(value, (set, frozenset)):
        return type(value).__name__, sorted(repr(plain(item, inner)) for item in value)
    if isinstance(value, WRAPPERS):
        return type(value).__name__, plain(value.__func__, inner)
    if isinstance(value, property):
        return "property", [plain(part, inner) for part in (value.fget, value.fset, value.fdel)]
    if isinstance(value, types.FunctionType):
        return function(value, inner)
    if isinstance(value, (type, types.ModuleType)):
        return type(value).__name__, value.__name__
    return type(value).__name__, re.sub(r"0x[0-9a-f]+", "", repr(value))


class Program:
    """Modules, by stem, that a test writes, imports and updates; ``@stem@`` in a text is the module's name."""

    def __init__(self, world: Files) -> None:
        self.world = world
        self.done: list[tuple[Photo, rebottle.Report]] = []

    def load(self, **texts: str) -> list[Any]:
        """Write and import modules, in order."""
        for stem, text in texts.items():
            self.world.write(self.world.name(stem), text)
        return [self.world.load(self.world.name(stem)) for stem in texts]

    def write(self, texts: dict[str, str]) -> list[str]:
        """Write the new sources; their modules' names."""
        for stem, text in texts.items():
            self.world.write(self.world.name(stem), text)
        return [self.world.name(stem) for stem in texts]

    def bytecode(self, stem: str, text: str) -> str:
        """Leave only the bytecode of ``text`` as the module; its name."""
        name = self.world.name(stem)
        source = self.world.write(name, text)
        py_compile.compile(str(source), cfile=str(source.with_suffix(".pyc")), doraise=True)
        source.unlink()
        importlib.invalidate_caches()
        return name

    def update(self, texts: dict[str, str], *, undo: bool = True, **options: Any) -> rebottle.Report:
        """Write the new sources and reload these modules in one update."""
        return self.reload(self.write(texts), undo=undo, **options)

    def reload(self, names: Any, *, undo: bool = True, **options: Any) -> rebottle.Report:
        """Reload, remembering how it was before."""
        before = self.photo()
        report = rebottle.reload(names, **options)
        if undo:
            self.done.append((before, report))
        return report

    def hotfix(self, text: str) -> rebottle.Report:
        """Run a snippet, in which ``@stem@`` is a module's name, remembering how it was before."""
        before = self.photo()
        report = rebottle.hotfix(self.world.text(text))
        self.done.append((before, report))
        return report

    def fails(self, texts: dict[str, str], error: type[BaseException] = rebottle.UpdateError, **options: Any) -> Any:
        """Reload these texts, which must raise ``error`` and leave everything as it was; the exception."""
        names = self.write(texts)
        before, modules, finders = self.photo(), dict(sys.modules), list(sys.meta_path)
        with pytest.raises(error) as caught:
            rebottle.reload(names, **options)
        assert before.differences(self.photo()) == [], "after the failure"
        assert sys.modules.keys() == modules.keys()
        assert sys.meta_path == finders
        return caught.value

    def photo(self) -> Photo:
        """How the program's modules are now."""
        return Photo(
            [module for name, module in sorted(sys.modules.items()) if self.world.tag in re.split(r"[_.]", name)]
        )

    def go_back(self) -> None:
        """Undo what is still in force; each time the program must be as it was before, and forth and back again."""
        for before, report in reversed(self.done):
            if report.in_force and report.changes:
                updated = self.photo()
                back = report.rollback()
                assert before.differences(self.photo()) == [], "after the rollback"
                back.rollback()
                assert updated.differences(self.photo()) == [], "after the rollback was taken back"
                report.rollback()
                assert before.differences(self.photo()) == [], "after the second rollback"


@pytest.fixture
def program(world: Files) -> Iterator[Program]:
    """A :class:`Program`, taken back to its start when the test is over."""
    it = Program(world)
    yield it
    it.go_back()


AB = Callable[[str], tuple[Any, Callable[..., rebottle.Report]]]


@pytest.fixture
def ab(program: Program) -> AB:
    """``m, update = ab(text_of_A)``; then ``report = update(text_of_B, **options)``."""

    def start(text: str) -> tuple[Any, Callable[..., rebottle.Report]]:
        [module] = program.load(m=text)
        return module, lambda new, **options: program.update({"m": new}, **options)

    return start


def kinds(report: rebottle.Report) -> set[str]:
    """The kinds of the report's changes."""
    return {change.kind for change in report.changes}


def places(items: Any) -> set[str]:
    """Where the changes, refusals or kept data are, without the module's name."""
    return {item.where.partition(".")[2] for item in items}


def named(items: Any, *words: str) -> bool:
    """Whether one of the items has all these words in its place, kind or reason."""
    fields = ("where", "kind", "rule", "why")
    texts = [" ".join(str(getattr(item, field, "")) for field in fields) for item in items]
    return any(all(word in text for word in words) for text in texts)


def run_script(folder: Path, text: str, **environment: str) -> list[str]:
    """Run ``text`` as a program of its own, in ``folder``; the lines that it printed."""
    (folder / "main.py").write_text(textwrap.dedent(text), encoding="utf-8")
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    command = [sys.executable, "main.py"]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
