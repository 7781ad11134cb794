"""clang-tidy over the sources of the builds given, each file once, only those not found clean before.

A file counts as clean for as long as it, the headers it includes and the list of checks are what they were.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CLEAN = ROOT / "build" / "tidy"
# clang 14 doesn't announce the atomic builtins in the way in which CPython's headers look for them.
EXTRA = ["--extra-arg=-D_Py_USE_GCC_BUILTIN_ATOMICS=1"]


class Unit(NamedTuple):
    """One source file, as one build compiles it."""

    source: Path
    build: Path
    headers: tuple[Path, ...]

    def fingerprint(self) -> str:
        """Changes when a new look is needed."""
        digest = hashlib.sha256(str(self.build).encode())
        for path in (ROOT / ".clang-tidy", Path(__file__), self.source, *self.headers):
            digest.update(path.read_bytes())
        return digest.hexdigest()


def units_of(build: Path) -> list[Unit]:
    """The files that ``build`` compiles, with those of our headers that ninja knows each to include."""
    listing = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    headers: dict[Path, tuple[Path, ...]] = {}
    for block in listing.split("\n\n"):
        paths = [Path(os.path.normpath(build / line.strip())) for line in block.splitlines()[1:]]
        if paths:
            headers[paths[0]] = tuple(sorted(path for path in paths[1:] if path.is_relative_to(ROOT)))
    commands = json.loads((build / "compile_commands.json").read_text())
    sources = {Path(command["file"]) for command in commands}
    return [Unit(source, build, headers.get(source, ())) for source in sorted(sources)]


def tidy(unit: Unit) -> bool:
    """Look at one file; True if there is nothing to say about it."""
    name = unit.source.relative_to(ROOT)
    stamp = CLEAN / re.sub(r"\W", "-", str(name))
    fingerprint = unit.fingerprint()
    if stamp.exists() and stamp.read_text() == fingerprint:
        return True
    command: list[str | Path] = ["clang-tidy", "--quiet", "-p", unit.build, *EXTRA, unit.source]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        stamp.write_text(fingerprint)
        return True
    print(result.stdout or result.stderr, end="", flush=True)
    return False


def main(builds: list[str]) -> int:
    """Exit status 1 if a file isn't clean."""
    CLEAN.mkdir(parents=True, exist_ok=True)
    units: dict[Path, Unit] = {}
    for build in builds:
        for unit in units_of(Path(build).resolve()):
            units.setdefault(unit.source, unit)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        clean = list(pool.map(tidy, units.values()))
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
