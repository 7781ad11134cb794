"""One process, one experiment: prepares, then measures once for each line it reads: worker.py EXPERIMENT TOOL SIZE."""

from __future__ import annotations

import contextlib
import importlib
import json
import resource
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import thread_time

from contenders import TOOLS
from programs import Module, small_modules, text_of, use_folder

Sample = dict[str, float]
Experiment = Callable[[str, int, Path], Iterator[Sample]]


class Stopwatch:
    """Processor time of a `with` block, each for one of ``times`` repetitions."""

    def __init__(self, times: int = 1) -> None:
        self.times = times

    def __enter__(self) -> Stopwatch:
        self.cpu = thread_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu = thread_time() - self.cpu

    def sample(self, **more: float) -> Sample:
        return {"cost": self.cpu / self.times, **more}


def edit(tool: str, size: int, folder: Path) -> Iterator[Sample]:
    """From the saved edit of one function among ``size`` to the new function being there."""
    update = TOOLS[tool]()
    program = Module(folder, "program", size)
    getattr(update, "prepare", lambda module: None)(program.module)
    while True:
        program.edit()
        with Stopwatch() as watch:
            result = update(program.module)
        if not program.is_live():
            raise SystemExit(f"{tool}: the edit isn't live")
        timing = getattr(result, "timing", None)
        parts = {part: getattr(timing, part) for part in ("read", "compile", "stage", "pause")} if timing else {}
        yield watch.sample(holders=float(program.is_live_for_holders()), **parts)


def unchanged(tool: str, size: int, folder: Path) -> Iterator[Sample]:
    """Looking for edits in ``size`` modules where there are none."""
    update = TOOLS[tool]()
    modules = [importlib.import_module(name) for name in small_modules(folder, "same", size)]
    getattr(update, "prepare", lambda module: None)(modules[0])
    while True:
        with Stopwatch() as watch:
            update(modules[0])
        yield watch.sample()


def many(tool: str, size: int, folder: Path) -> Iterator[Sample]:
    """One function edited in each of ``size`` modules, one update."""
    update = TOOLS[tool]()
    names = small_modules(folder, "many", size, bytecode=False)
    modules = [importlib.import_module(name) for name in names]
    factor = 1
    while True:
        factor += 1
        for name in names:
            (folder / f"{name}.py").write_text(text_of(10, 5, factor))
        with Stopwatch() as watch:
            for module in modules if tool == "importlib" else modules[:1]:
                update(module)
        if any(module.function_5(100, 1) != 100 * factor + 2 for module in modules):
            raise SystemExit(f"{tool}: an edit isn't live")
        yield watch.sample()


SNIPPET = """
import program
def method(self, x):
    return x + {number}
program.Thing.method = method
"""


def hotfix(tool: str, size: int, folder: Path) -> Iterator[Sample]:
    """One method of one of ``size`` classes gets another body: as a hotfix, or by plain assignment."""
    plain = tool == "assignment"
    rebottle = None if plain else importlib.import_module("rebottle")
    classes = "class Thing:\n    def method(self, x):\n        return x\n"
    classes += "".join(f"class Other{i}:\n    def method(self, x):\n        return x\n" for i in range(size))
    (folder / "program.py").write_text(classes)
    thing = importlib.import_module("program").Thing
    held, number = thing.method, 0
    while True:
        number += 1
        snippet = SNIPPET.format(number=number)
        with Stopwatch() as watch:
            report = exec(snippet, {}) if rebottle is None else rebottle.hotfix(snippet)
        parts = {} if report is None else {"pause": report.timing.pause}
        yield watch.sample(holders=float(held(thing(), 1) == 1 + number), **parts)


def hold(tool: str, size: int, folder: Path) -> Iterator[Sample]:
    """One empty `with` block, the mean of ``size``."""
    guards: dict[str, Callable[[], contextlib.AbstractContextManager[object]]] = {
        "rebottle": lambda: importlib.import_module("rebottle").hold(),
        "lock": threading.Lock,
        "nothing": contextlib.nullcontext,
    }
    guard = guards[tool]()
    while True:
        with Stopwatch(size) as watch:
            for _ in range(size):
                with guard:
                    pass
        yield watch.sample()


def functions(tool: str, size: int, folder: Path) -> Iterator[Sample]:
    """Making and dropping a closure, the mean of ``size``."""
    if tool == "rebottle":
        importlib.import_module("rebottle")

    def outer(x: int) -> Callable[[], int]:
        return lambda: x

    while True:
        with Stopwatch(size) as watch:
            for i in range(size):
                outer(i)
        yield watch.sample()


def imports(tool: str, size: int, folder: Path) -> Iterator[Sample]:
    """Importing ``size`` modules that have bytecode, the mean of one."""
    if tool == "rebottle":
        importlib.import_module("rebottle")
    batch = 0
    while True:
        batch += 1
        names = small_modules(folder, f"batch{batch}", size)
        importlib.invalidate_caches()
        with Stopwatch(size) as watch:
            for name in names:
                importlib.import_module(name)
        yield watch.sample()


def call_often(function: Callable[[int, int], object], times: int) -> None:
    for _ in range(times):
        function(1, 1)


def calls(tool: str, size: int, folder: Path) -> Iterator[Sample]:
    """One call of a function that was edited, the mean of ``size``; `nothing` never edits it."""
    update = TOOLS[tool]() if tool != "nothing" else None
    program = Module(folder, "program", 1)
    name = f"function_{program.edited}"
    while True:
        if update is not None:
            program.edit()
            update(program.module)
        function = getattr(program.module, name)

        call_often(function, 1000)
        with Stopwatch(size) as watch:
            call_often(function, size)
        yield watch.sample()


def instances(tool: str, size: int, folder: Path) -> Iterator[Sample]:
    """Each of ``size`` living instances gets an attribute that the edited ``__init__`` newly gives."""
    update = TOOLS[tool]()
    path, number = folder / "program.py", 0
    path.write_text("class Thing:\n    def __init__(self):\n        pass\n")
    program = importlib.import_module("program")
    things = [program.Thing() for _ in range(size)]
    while True:
        number += 1
        path.write_text(f"class Thing:\n    def __init__(self):\n        self.new_{number} = []\n")
        with Stopwatch() as watch:
            report = update(program)
        if getattr(things[-1], f"new_{number}", None) != []:
            raise SystemExit(f"{tool}: an instance lacks the attribute")
        yield watch.sample(pause=report.timing.pause)  # type: ignore[attr-defined]


def resident() -> int:
    """Bytes of memory that the process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def memory(tool: str, size: int, folder: Path) -> Iterator[Sample]:
    """Bytes that importing a module takes, the mean of ``size``."""
    if tool == "rebottle":
        importlib.import_module("rebottle")
    batch = 0
    while True:
        batch += 1
        names = small_modules(folder, f"batch{batch}", size)
        importlib.invalidate_caches()
        before = resident()
        for name in names:
            importlib.import_module(name)
        yield {"cost": (resident() - before) / size}


def growth(tool: str, size: int, folder: Path) -> Iterator[Sample]:
    """Bytes that the process grows by with each of ``size`` edits, the history being full."""
    update = TOOLS[tool]()
    program = Module(folder, "program", 50)

    def edit_often(times: int) -> None:
        for _ in range(times):
            program.edit()
            update(program.module)

    edit_often(100)
    while True:
        before = resident()
        edit_often(size)
        yield {"cost": (resident() - before) / size}


EXPERIMENTS: dict[str, Experiment] = {
    each.__name__: each
    for each in (edit, unchanged, many, hotfix, hold, functions, imports, calls, instances, memory, growth)
}


def main() -> None:
    """Says `ready`, then one line of JSON for each line read."""
    experiment, tool, size = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="rebottle-bench-") as folder:
        use_folder(Path(folder))
        samples = EXPERIMENTS[experiment](tool, int(size), Path(folder))
        next(samples)
        print("ready", flush=True)
        for _ in sys.stdin:
            print(json.dumps(next(samples)), flush=True)


if __name__ == "__main__":
    main()
