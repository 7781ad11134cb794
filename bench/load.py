"""Requests of eight threads beside a thousand saved edits, with each tool: how many requests saw two versions at once.

load.py [--requests N] [--commits N] [TOOL...]

A request reads a constant, a table, a function and its default, and a method of a living instance; all carry the
number of the version. With rebottle it does so within `hold()`; the other tools have nothing of the kind.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType

from contenders import TOOLS
from programs import use_folder

THREADS = 8
PROGRAM = """
VERSION = {0}
TABLE = {{"version": {0}}}
def first(extra={0}): return {0}, extra
class Service:
    number = {0}
    def last(self): return {0}
service = Service()
"""
DATA = """
_reload_all_data = True
"""


class Server:
    """Threads that serve requests, and what went wrong in them."""

    def __init__(self, module: ModuleType, hold: Callable[[], AbstractContextManager[object]]) -> None:
        self.module, self.hold = module, hold
        self.served = [0] * THREADS
        self.torn = self.failed = 0
        self.open = True
        self.threads = [threading.Thread(target=self.serve, args=(number,)) for number in range(THREADS)]

    def serve(self, number: int) -> None:
        m, hold = self.module, self.hold
        while self.open:
            self.served[number] += 1
            try:
                with hold():
                    service = m.service
                    seen = {m.VERSION, m.TABLE["version"], *m.first(), service.last(), service.number}
            except Exception:
                self.failed += 1
            else:
                self.torn += len(seen) != 1


def load(tool: str, requests: int, commits: int, folder: Path) -> dict[str, float]:
    """One tool under load."""
    path = folder / "program.py"
    head = DATA if tool == "rebottle" else ""
    path.write_text(head + PROGRAM.format(0))
    update = TOOLS[tool]()
    module = importlib.import_module("program")
    getattr(update, "prepare", lambda module: None)(module)
    hold = importlib.import_module("rebottle").hold if tool == "rebottle" else contextlib.nullcontext
    server = Server(module, hold)
    start = time.time()
    for thread in server.threads:
        thread.start()
    number, longest, refused = 0, 0.0, 0
    while sum(server.served) < requests or number < commits:
        number += 1
        path.write_text(head + PROGRAM.format(number))
        os.utime(path, (start + number, start + number))
        began = time.perf_counter()
        try:
            update(module)
        except Exception:
            refused += 1
        longest = max(longest, time.perf_counter() - began)
    server.open = False
    for thread in server.threads:
        thread.join()
    return {
        "requests": sum(server.served),
        "updates": number,
        "torn": server.torn,
        "exceptions": server.failed + refused,
        "longest": longest,
    }


def main() -> int:
    """Each tool in a process of its own; a line of figures each."""
    parser = argparse.ArgumentParser(description="Requests beside updates, with each tool.")
    parser.add_argument("--requests", type=int, default=10_000_000)
    parser.add_argument("--commits", type=int, default=1_000)
    parser.add_argument("--here", action="store_true", help="in this process, figures as JSON")
    parser.add_argument("tools", nargs="*", default=["rebottle", "importlib", "pydevd", "ipython", "jurigged"])
    options = parser.parse_args()
    if options.here:
        with tempfile.TemporaryDirectory() as folder:
            use_folder(Path(folder))
            sys.setswitchinterval(1e-5)  # threads change often: what can be torn is
            print(json.dumps(load(options.tools[0], options.requests, options.commits, Path(folder))))
        return 0
    print("tool        requests    updates   torn requests  exceptions  longest update")
    for tool in options.tools:
        command = [sys.executable, __file__, "--here", f"--requests={options.requests}", f"--commits={options.commits}"]
        done = subprocess.run([*command, tool], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{tool:<10}  left out: {(done.stderr.strip().splitlines() or [f'exit {done.returncode}'])[-1]}")
            continue
        it = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{tool:<10} {it['requests']:>10,} {it['updates']:>9,} {it['torn']:>14,} {it['exceptions']:>11,}"
            f" {it['longest'] * 1e3:>12.1f} ms",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
