"""usage: python -m tests.fuzz.explore FIRST LAST: seeds, each a program that lives through random edits."""

from __future__ import annotations

import collections
import difflib
import faulthandler
import random
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.fuzz.case import Case, Finding
from tests.fuzz.edits import edited
from tests.fuzz.fresh import Fresh
from tests.fuzz.library import NAMES, library_text
from tests.fuzz.programs import program

LARGEST = 150_000  # characters of a module


def first_version(seed: int, chance: random.Random) -> tuple[str, str]:
    """The name and the text of the program of a seed: every other one a module of the standard library."""
    if seed % 2:
        return f"z{seed}_program", program(chance)
    while True:
        name = chance.choice(NAMES)
        text = library_text(name)
        if text is not None and len(text) < LARGEST:
            return f"z{seed}_{name.replace('.', '_')}", text


def edits_told(old: str, new: str) -> list[str]:
    """The first of the lines that differ."""
    edits = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1))[2:40]
    return [f"        {line[:120]}" for line in edits]


class Explorer:
    """Runs seeds and collects what goes wrong."""

    def __init__(self, folder: Path, fresh: Fresh) -> None:
        self.folder = folder
        self.fresh = fresh
        self.ends: collections.Counter[str] = collections.Counter()
        self.findings: list[str] = []

    def run(self, seed: int, steps: int = 4) -> None:
        """One program, edited ``steps`` times."""
        chance = random.Random(seed)
        name, text = first_version(seed, chance)
        try:
            case = Case(self.folder, name, text, self.fresh)
        except Exception as error:  # a module that can't be loaded under another name
            self.ends[f"not loaded: {type(error).__name__}"] += 1
            return
        for _ in range(steps):
            old = case.text
            new = edited(old, chance, chance.choice([1, 1, 1, 2, 3, 5]))
            end, findings = case.step(new)
            self.ends[end] += 1
            for finding in findings:
                self._note(seed, name, finding, old, new)
            if findings or end == "replaced":
                break
        case.close()

    def _note(self, seed: int, name: str, finding: Finding, old: str, new: str) -> None:
        detail = finding.detail
        lines = [f"{path}: {pair}" for path, pair in detail.items()] if isinstance(detail, dict) else [str(detail)]
        told = [f"seed {seed}, {name}: {finding.what}", *(f"    {line[:300]}" for line in lines[:8])]
        self.findings.append("\n".join([*told, *edits_told(old, new)]))


def explore(seeds: Iterable[int], tell: bool = False) -> Explorer:
    """Run the seeds, each in its own module."""
    with tempfile.TemporaryDirectory() as folder, Fresh() as fresh:
        explorer = Explorer(Path(folder), fresh)
        sys.path.insert(0, folder)
        former, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            for seed in seeds:
                known = len(explorer.findings)
                if tell:
                    print(f"seed {seed}", file=sys.stderr, flush=True)
                explorer.run(seed)
                if tell and explorer.findings[known:]:
                    print("\n".join(explorer.findings[known:]), flush=True)
        finally:
            sys.path.remove(folder)
            sys.dont_write_bytecode = former
    return explorer


if __name__ == "__main__":
    faulthandler.enable()
    start = time.monotonic()
    done = explore(range(int(sys.argv[1]), int(sys.argv[2])), tell=True)
    print(f"{dict(done.ends)}, {len(done.findings)} findings, {time.monotonic() - start:.0f} s")
    sys.exit(1 if done.findings else 0)
