"""A digest of what a program reaches: equal before and after an update that failed, or that was rolled back."""

from __future__ import annotations

import functools
import gc
import linecache
import sys
import weakref
from collections import deque
from collections.abc import Iterator
from types import CellType, CodeType, FunctionType, MappingProxyType, MemberDescriptorType, ModuleType
from typing import Any

import rebottle

PLAIN = (int, float, str, bytes, bool, type(None))
# What the interpreter makes by itself when somebody asks for it.
MADE_ON_DEMAND = {"__annotations__", "__doc__", "__weakref__", "__dict__", "_abc_impl", "__static_attributes__"}


def _codes(code: CodeType) -> Iterator[tuple[int, int]]:
    yield id(code), code.co_firstlineno
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What ``value`` holds, each with the way to it."""
    if isinstance(value, FunctionType):
        for name in ("closure", "defaults", "kwdefaults", "annotations", "doc", "name", "qualname", "module"):
            yield f".__{name}__", getattr(value, f"__{name}__")
        for name, item in vars(value).items():
            yield f".{name}", item
        yield ".__code__", tuple(_codes(value.__code__))
        yield ".__globals__", id(value.__globals__)
    elif isinstance(value, CellType):
        try:
            yield ".content", value.cell_contents
        except ValueError:
            yield ".content", "empty"
    elif isinstance(value, type):
        yield ".__bases__", value.__bases__
        for name, member in sorted(vars(value).items(), key=lambda pair: str(pair[0])):
            if name not in MADE_ON_DEMAND:
                yield f".{name}", member
    elif isinstance(value, (dict, MappingProxyType)):
        for number, (key, item) in enumerate(value.items()):
            yield f"#{number}", key
            yield f"[{key!r}]" if isinstance(key, PLAIN) else f"[#{number}]", item
    elif isinstance(value, (list, tuple, deque)):
        for number, item in enumerate(value):
            yield f"[{number}]", item
    elif isinstance(value, (set, frozenset)):
        yield "{}", tuple(sorted(map(id, value)))
    else:
        yield ".__class__", id(type(value))
        for name, item in getattr(value, "__dict__", {}).items():
            yield f".{name}", item
        for name, slot in vars(type(value)).items():
            if isinstance(slot, MemberDescriptorType) and hasattr(value, name):
                yield f".{name}", getattr(value, name)
        if isinstance(value, (property, classmethod, staticmethod, functools.partial, functools._lru_cache_wrapper)):
            for number, item in enumerate(gc.get_referents(value)):
                yield f"<{number}>", item


class Identity:
    """Which object it was. What a function or class had counts only as long as somebody holds that: an update lets
    go of what it takes out of the program, and its rollback makes it again."""

    def __init__(self, value: object, owner: weakref.ref[Any] | None) -> None:
        self.number = id(value)
        self.owner = owner

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Identity):
            return False
        return self.number == other.number or any(each.owner and each.owner() is None for each in (self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return str(self.number)


def digest(*modules: ModuleType) -> dict[str, object]:
    """Everything that these modules reach, by the way to it: plain values as they are, others by identity and parts."""
    names = {module.__name__ for module in modules}
    found: dict[str, object] = {}
    seen: dict[int, Any] = {}  # holds what it knows: no other object gets the same identity meanwhile
    waiting: list[tuple[str, Any, weakref.ref[Any] | None]] = []
    for module in modules:
        found[module.__name__] = (id(module), id(type(module)))
        waiting += [
            (f"{module.__name__}.{name}", vars(module)[name], None)
            for name in sorted(vars(module))
            if name != "__builtins__"
        ]
    while waiting:
        path, value, owner = waiting.pop()
        if isinstance(value, PLAIN):
            found[path] = value
            continue
        if isinstance(value, (FunctionType, type)):
            owner = weakref.ref(value)
        found[path] = Identity(value, owner) if not isinstance(value, (tuple, MappingProxyType)) else len(value)
        foreign = isinstance(value, ModuleType) or (isinstance(value, type) and value.__module__ not in names)
        if id(value) in seen or foreign:
            continue
        seen[id(value)] = value
        waiting += [(path + way, part, owner) for way, part in _parts(value)]
    return found


def surroundings() -> dict[str, Any]:
    """What an update uses of the interpreter and leaves as it was."""
    return {
        "modules": {name: id(module) for name, module in sys.modules.items()},
        "meta_path": list(map(id, sys.meta_path)),
        "path": list(sys.path),
        "path_hooks": list(map(id, sys.path_hooks)),
        "path_importer_cache": set(sys.path_importer_cache),
        "linecache": {file for file in linecache.cache if not file.startswith("<hotfix")},  # tracebacks show snippets
        "tools": [sys.monitoring.get_tool(number) for number in range(6)],
        "collector": gc.isenabled(),
        "switch interval": sys.getswitchinterval(),
        "history": [report.id for report in rebottle.history() if report.in_force and report.kind != "rollback"],
    }


def state(*modules: ModuleType) -> dict[str, Any]:
    """:func:`digest` and :func:`surroundings`."""
    return digest(*modules) | surroundings()


def differences(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """What differs, in words."""
    return [
        f"{path}: {before.get(path, 'nothing')} -> {after.get(path, 'nothing')}"
        for path in before | after
        if before.get(path, "nothing") != after.get(path, "nothing")
    ]
