"""What a program answers when everything in it is used, as text that can be compared with another run's."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

type Behaviour = dict[tuple[str, str], str]


def told(value: object, depth: int = 0) -> str:
    """A value without its addresses."""
    if isinstance(value, type):
        return f"<class {value.__name__}>"
    if isinstance(value, (list, tuple, set)) and depth < 4:
        return f"{type(value).__name__}{[told(each, depth + 1) for each in value]}"
    if isinstance(value, dict):
        return str({told(key): told(each, depth + 1) for key, each in value.items()})
    return re.sub(r" at 0x\w+", "", repr(value))


def tried(way: str, names: dict[str, Any]) -> str:
    """What an expression gives or raises."""
    try:
        return told(eval(way, names))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def behaviour(modules: dict[str, ModuleType], uses: dict[str, list[str]]) -> Behaviour:
    """The uses' results, by module; and what statements under the names ``u_…`` left."""
    found = {(name, use): tried(use, vars(modules[name])) for name, them in uses.items() for use in them}
    for name, module in modules.items():
        for key in sorted(key for key in vars(module) if key.startswith("u_")):
            ways = [key]
            if callable(vars(module)[key]):
                ways.append(f"{key}()")
            if isinstance(vars(module)[key], type):
                members = sorted(each for each in vars(vars(module)[key]) if not each.startswith("__"))
                ways += [f"{key}.{member}" for member in members]
                ways += [f"{key}().{member}{call}" for member in ("m", "p", "number", "x") for call in ("", "()")]
            found |= {(name, way): tried(way, vars(module)) for way in ways}
    return found
