"""The programs that are measured: modules of many small functions, written to files and edited."""

from __future__ import annotations

import importlib
import py_compile
import sys
from pathlib import Path
from types import ModuleType

FUNCTION = '''
def function_{number}(x, y=1):
    """Add up a few numbers; function {number}."""
    total = x * {factor}
    for i in range(3):
        if i != y:
            total += i * y
    return total
'''


def text_of(functions: int, edited: int = -1, factor: int = 1) -> str:
    """A module of so many functions; the one numbered ``edited`` multiplies by ``factor``."""
    return "".join(
        FUNCTION.format(number=number, factor=factor if number == edited else 1) for number in range(functions)
    )


class Module:
    """A module of many functions whose middle one is edited again and again."""

    def __init__(self, folder: Path, name: str, functions: int) -> None:
        self.path = folder / f"{name}.py"
        self.name = name
        self.functions = functions
        self.edited = functions // 2
        self.factor = 1
        self.path.write_text(text_of(functions))
        self.module = self.load()
        self.held = getattr(self.module, f"function_{self.edited}")

    def load(self) -> ModuleType:
        importlib.invalidate_caches()
        return importlib.import_module(self.name)

    def edit(self) -> None:
        """Save another body of the middle function."""
        self.factor += 1
        self.path.write_text(text_of(self.functions, self.edited, self.factor))

    def is_live(self) -> bool:
        """Whether the name in the module now is the function of the last edit."""
        return bool(getattr(self.module, f"function_{self.edited}")(100, 1) == 100 * self.factor + 2)

    def is_live_for_holders(self) -> bool:
        """The same for the function object that somebody took before the first edit."""
        return bool(self.held(100, 1) == 100 * self.factor + 2)


def small_modules(folder: Path, prefix: str, count: int, *, bytecode: bool = True) -> list[str]:
    """Files of ten functions each, normally with their bytecode; their names."""
    names = [f"{prefix}_{i}" for i in range(count)]
    for name in names:
        path = folder / f"{name}.py"
        path.write_text(text_of(10))
        if bytecode:
            py_compile.compile(str(path), doraise=True)
    return names


def use_folder(folder: Path) -> None:
    """Import from there; compile anew at each reload, so that no tool runs bytecode of an earlier edit."""
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
