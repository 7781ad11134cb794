"""What is alive of the functions and classes of a module."""

from __future__ import annotations

import gc
import types
import weakref
from typing import Any


def living(module: Any, name: str) -> int:
    """How many functions and classes of a module have this qualified name."""
    gc.collect()
    kinds = (types.FunctionType, type)
    every = [each for each in gc.get_objects() if isinstance(each, kinds)]
    return sum(1 for each in every if each.__module__ == module.__name__ and each.__qualname__ == name)


def gone(*references: weakref.ref[Any]) -> bool:
    """Whether all of these have ended."""
    gc.collect()
    return not any(each() for each in references)
