"""What a module is like, by the way to each of its parts: alike for two runs of one text, identities aside."""

from __future__ import annotations

import abc
import functools
import gc
import re
from collections import deque
from collections.abc import Iterator
from types import CellType, CodeType, FunctionType, MappingProxyType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

# Of a class: not what the interpreter caches, nor how the collector keeps it.
SPOKEN_FLAGS = ~(1 << 19 | 1 << 9 | 1 << 8 | 1 << 6 | 1 << 5 | 1 << 20)
PLAIN = (int, float, complex, str, bytes, bool, type(None), type(...), range)
# Dunder names of a module that its text binds.
SPOKEN = {"__all__", "__doc__", "__version__", "__annotations__", "__author__", "__getattr__", "__dir__"}
# What the interpreter makes by itself, or makes anew for each run.
UNSPOKEN = {"__dict__", "__weakref__", "_abc_impl", "__annotations__", "__doc__", "__static_attributes__"}
WRAPPERS = (
    property,
    classmethod,
    staticmethod,
    functools.partial,
    functools._lru_cache_wrapper,
    functools.partialmethod,
)


def code_parts(code: CodeType) -> Iterator[tuple[str, Any]]:
    """What of a code object must be alike."""
    for name in (
        "code", "names", "varnames", "freevars", "cellvars", "flags", "firstlineno", "exceptiontable", "name",
        "qualname",
        "filename", "argcount", "posonlyargcount", "kwonlyargcount", "stacksize",
    ):  # fmt: skip
        yield f".co_{name}", getattr(code, f"co_{name}")
    yield ".positions", tuple(code.co_positions())
    for number, constant in enumerate(code.co_consts):
        yield f".const{number}", constant


class Shape:
    """Walks one module."""

    def __init__(self, module: ModuleType) -> None:
        self.name = module.__name__
        self.namespace = vars(module)
        self.found: dict[str, object] = {}
        self.seen: dict[int, tuple[str, Any]] = {}
        self.waiting: deque[tuple[str, Any]] = deque()
        self.found["names"] = tuple(sorted(map(str, filter(self._spoken, self.namespace))))
        for name in sorted(filter(self._spoken, self.namespace)):
            self.waiting.append((name, self.namespace[name]))
        while self.waiting:
            self._visit(*self.waiting.popleft())

    @staticmethod
    def _spoken(name: object) -> bool:
        return not str(name).startswith("__") or name in SPOKEN

    def _visit(self, path: str, value: Any) -> None:
        if type(value) in PLAIN:
            self.found[path] = (type(value).__name__, repr(value))
        elif id(value) in self.seen and not isinstance(value, (tuple, frozenset)):
            self.found[path] = ("the same as", self.seen[id(value)][0])
        elif path.count(".") + path.count("[") < 40:
            self.seen[id(value)] = (path, value)
            what, parts = self._look(value)
            self.found[path] = what
            self.waiting.extend((path + way, part) for way, part in parts)

    def _look(self, value: Any) -> tuple[object, list[tuple[str, Any]]]:
        """What it is, and its parts."""
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, CodeType):
            return "code", list(code_parts(value))
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, ModuleType):
            return ("module", value.__name__), []
        if isinstance(value, MethodType):
            return "method", [(".__func__", value.__func__), (".__self__", value.__self__)]
        if isinstance(value, CellType):
            try:
                return "cell", [(".content", value.cell_contents)]
            except ValueError:
                return "empty cell", []
        if isinstance(value, (dict, MappingProxyType, list, tuple, deque, set, frozenset)):
            return self._container(value)
        return self._instance(value)

    def _function(self, value: FunctionType) -> tuple[object, list[tuple[str, Any]]]:
        parts: list[tuple[str, Any]] = [
            (f".__{name}__", getattr(value, f"__{name}__"))
            for name in ("defaults", "kwdefaults", "annotations", "doc", "name", "qualname", "module", "type_params")
        ]
        parts += [(f".{name}", item) for name, item in sorted(vars(value).items())]
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            if name != "__class__":
                parts.append((f".<{name}>", cell))
        if value.__globals__ is self.namespace or value.__code__.co_filename.startswith("<"):
            parts.append((".__code__", value.__code__))
        return ("function", value.__code__.co_qualname, value.__globals__ is self.namespace), parts

    def _class(self, value: type) -> tuple[object, list[tuple[str, Any]]]:
        if value.__module__ != self.name:
            return ("class", value.__module__, value.__qualname__), []
        members = {name: item for name, item in vars(value).items() if name not in UNSPOKEN}
        if not members.get("__abstractmethods__", True):
            del members["__abstractmethods__"]  # of a class that was abstract once
        parts = [(f".{name}", item) for name, item in sorted(members.items())]
        parts += [(".__annotations__", vars(value).get("__annotations__", {})), (".__doc__", value.__doc__)]
        parts += [(".__statics__", tuple(sorted(vars(value).get("__static_attributes__", ()))))]
        meta = type if type(value) is abc.ABCMeta else type(value)
        parts += [(".__bases__", value.__bases__), (".__class__", meta)]
        below = sorted(each.__qualname__ for each in value.__subclasses__() if each.__module__ == self.name)
        mro = tuple(each.__qualname__ for each in value.__mro__)
        flags = value.__flags__ & SPOKEN_FLAGS
        what = ("class", value.__qualname__, mro, flags, value.__basicsize__, tuple(sorted(members)), tuple(below))
        return what, parts

    def _container(self, value: Any) -> tuple[object, list[tuple[str, Any]]]:
        kind = type(value).__name__
        if isinstance(value, (dict, MappingProxyType)):
            pairs = list(value.items())
            if all(isinstance(key, PLAIN) for key, _ in pairs):
                return (kind, tuple(repr(key) for key, _ in pairs)), [(f"[{key!r}]", item) for key, item in pairs]
            parts = [(f"[key {number}]", key) for number, (key, _) in enumerate(pairs)]
            return (kind, len(pairs)), parts + [(f"[#{number}]", item) for number, (_, item) in enumerate(pairs)]
        if isinstance(value, (set, frozenset)):
            return (kind, tuple(sorted(self._brief(each) for each in value))), []
        return (kind, len(value)), [(f"[{number}]", item) for number, item in enumerate(value)]

    @staticmethod
    def _brief(value: Any) -> str:
        name = getattr(value, "__qualname__", None)
        return name if isinstance(name, str) else re.sub(r" at 0x\w+", "", repr(value))

    def _instance(self, value: Any) -> tuple[object, list[tuple[str, Any]]]:
        kind = type(value)
        parts: list[tuple[str, Any]] = []
        if isinstance(value, WRAPPERS):
            names = ("fget", "fset", "fdel", "__func__", "func", "args", "keywords", "__wrapped__")
            found = {name: getattr(value, name, None) for name in names}
            return ("wrapper", kind.__name__), [(f".<{name}>", item) for name, item in found.items()]
        if kind.__module__ == self.name:
            parts = [(f".{name}", item) for name, item in sorted(getattr(value, "__dict__", {}).items())]
            for each in kind.__mro__:
                slots = [name for name, slot in vars(each).items() if isinstance(slot, MemberDescriptorType)]
                parts += [(f".{name}", getattr(value, name, "unset")) for name in sorted(slots)]
            if isinstance(value, tuple):
                parts += [(f"[{number}]", item) for number, item in enumerate(value)]
            return ("instance", kind.__qualname__), [*parts, (".__class__", kind)]
        text = repr(value)
        return ("object", kind.__module__, kind.__qualname__, text if " at 0x" not in text else ""), []


def shape(module: ModuleType) -> dict[str, object]:
    """Everything that ``module`` is made of."""
    gc.collect()
    return Shape(module).found


def differences(live: dict[str, object], fresh: dict[str, object]) -> dict[str, tuple[object, object]]:
    """By the way: what the live module has, and what the fresh one."""
    return {
        path: (live.get(path, "nothing"), fresh.get(path, "nothing"))
        for path in sorted(live.keys() | fresh.keys())
        if live.get(path, "nothing") != fresh.get(path, "nothing")
    }
