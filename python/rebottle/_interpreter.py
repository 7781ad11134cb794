"""Refuses to be imported where rebottle can't work, in one sentence, before the native module would fail obscurely."""

from __future__ import annotations

import importlib
import sys

SUPPORTED = ((3, 12), (3, 13))


def unsupported() -> str | None:
    """Why rebottle can't work in this interpreter, or None where it can."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if sys.implementation.name != "cpython":
        return f"it needs CPython, and this is {sys.implementation.name} {running}"
    if sys.version_info[:2] not in SUPPORTED:
        versions = " or ".join(f"{major}.{minor}" for major, minor in SUPPORTED)
        return f"it needs CPython {versions}, and this is {running}"
    if "t" in getattr(sys, "abiflags", ""):
        return f"this CPython {running} is a free-threaded build; use the one with a global interpreter lock"
    if _is_sub_interpreter():
        return "this is a sub-interpreter; import it in the main interpreter"
    return None


def _is_sub_interpreter() -> bool:
    try:
        interpreters = importlib.import_module("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")
    except ImportError:  # built without them
        return False
    return bool(interpreters.get_current() != interpreters.get_main())


_why = unsupported()
if _why is not None:
    raise ImportError(f"rebottle can't be used here: {_why}.", name="rebottle")
