"""Measures what an update costs, beside importlib.reload and other tools: a table, and build/bench.json.

Each contender has a process of its own. The contenders of one experiment take turns, round by round, so that whatever
else the machine does falls on all of them. Compared are the medians of processor time, which a busy machine changes
less than wall time; all contenders do their work in one thread.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import select
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "build" / "bench.json"


@dataclass(frozen=True)
class Row:
    """One experiment: the first tool is ours, the others are what it is compared with."""

    title: str
    experiment: str
    size: int
    tools: Sequence[str]
    rounds: int
    quick_size: int
    unit: str = "ms"


OTHERS = ("importlib", "pydevd", "ipython")
ROWS = [
    # jurigged takes a minute among 5,000: left out there.
    Row("one function edited among 5,000", "edit", 5000, ("rebottle", *OTHERS), 15, 50),
    Row("one function edited among 500", "edit", 500, ("rebottle", *OTHERS, "jurigged"), 15, 20),
    Row("one function edited among 50", "edit", 50, ("rebottle", *OTHERS, "jurigged"), 15, 10),
    Row("500 tracked modules, none edited", "unchanged", 500, ("rebottle-all", "ipython"), 31, 10),
    Row("one function edited in each of 500 modules", "many", 500, ("rebottle-all", "importlib"), 7, 10),
    Row("hotfix of one method", "hotfix", 100, ("rebottle", "assignment"), 31, 10),
    Row("hold(), one with block", "hold", 100_000, ("rebottle", "lock", "nothing"), 15, 1000, "ns"),
    Row("making a closure", "functions", 100_000, ("rebottle", "nothing"), 15, 1000, "ns"),
    Row("importing a module", "imports", 100, ("rebottle", "nothing"), 21, 5, "us"),
    Row("calling a function that was edited", "calls", 100_000, ("rebottle", "importlib", "nothing"), 15, 1000, "ns"),
    Row("an attribute for 10,000 living instances", "instances", 10_000, ("rebottle",), 11, 100),
    Row("memory of an imported module", "memory", 500, ("rebottle", "nothing"), 7, 10, "KiB"),
    Row("growth with each edit", "growth", 200, ("rebottle", "importlib"), 7, 10, "KiB"),
]
PATIENCE = 120  # seconds
SCALE = {"ms": 1e3, "us": 1e6, "ns": 1e9, "KiB": 1 / 1024}


@dataclass
class Contender:
    """A worker process and what it measured."""

    tool: str
    process: subprocess.Popen[str]
    samples: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def start(cls, row: Row, tool: str, size: int) -> Contender | None:
        """None where the tool isn't installed or fails at the task."""
        command = [sys.executable, str(HERE / "worker.py"), row.experiment, tool, str(size)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        contender = cls(tool, process)
        if contender.answer() == "ready":
            return contender
        assert process.stderr is not None
        reason = process.stderr.read().strip().splitlines()
        print(f"  {tool} is left out: {reason[-1] if reason else 'it ended'}", file=sys.stderr)
        return None

    def answer(self) -> str:
        """What the worker says; "" where it ended, or said nothing for too long."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.process.kill()
        return self.process.stdout.readline().strip()

    def measure(self) -> None:
        """One round. Raises RuntimeError where the worker ended."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.answer()
        if not line:
            raise RuntimeError(f"{self.tool} ended: {self.process.stderr.read() if self.process.stderr else ''}")
        self.samples.append(json.loads(line))

    def stop(self) -> None:
        self.process.communicate(timeout=30)

    def median(self, key: str = "cost") -> float:
        return statistics.median(sample[key] for sample in self.samples)


def run(row: Row, quick: bool) -> dict[str, Any] | None:
    """The medians of one experiment, by tool; None where rebottle itself could not take part."""
    size, rounds = (row.quick_size, 3) if quick else (row.size, row.rounds)
    contenders = [found for tool in row.tools if (found := Contender.start(row, tool, size))]
    for _ in range(rounds):
        for contender in contenders:
            contender.measure()
    for contender in contenders:
        contender.stop()
    if not contenders or contenders[0].tool != row.tools[0]:
        return None
    ours = contenders[0]
    keys = [key for key in ours.samples[0] if key != "cost"]
    return {
        "title": row.title,
        "unit": row.unit,
        "size": size,
        "rounds": rounds,
        "parts": {key: ours.median(key) for key in keys},
        "cost": {each.tool: each.median() for each in contenders},
        "holders": {each.tool: bool(each.median("holders")) for each in contenders if "holders" in each.samples[0]},
        "ratio": {each.tool: each.median() / ours.median() for each in contenders[1:] if ours.median() > 0},
    }


def show(result: dict[str, Any]) -> None:
    """A few lines: ours first, then the others as multiples of it."""
    scale, unit = SCALE[result["unit"]], result["unit"]
    print(f"\n{result['title']} (size {result['size']:,})")
    for tool, cost in result["cost"].items():
        ratio = f"  x {result['ratio'][tool]:8.2f}" if tool in result["ratio"] else " " * 12
        old = "" if result["holders"].get(tool, True) else "   (who held the function runs the old one)"
        print(f"  {tool:<14} {cost * scale:10.3f} {unit}{ratio}{old}")
    parts = {key: value for key, value in result["parts"].items() if key != "holders"}
    if parts:
        print("  of which       " + ", ".join(f"{key} {value * 1e6:.0f} us" for key, value in parts.items()))


def processor() -> str:
    """Its name; empty where the system doesn't tell."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(": ", 1)[1]
    return ""


def main() -> int:
    """Runs the experiments whose title has the words given; all without any."""
    parser = argparse.ArgumentParser(description="Measure what an update costs.")
    parser.add_argument("--quick", action="store_true", help="small programs and three rounds: does it run?")
    parser.add_argument("--out", type=Path, default=OUT, help="where the JSON goes")
    parser.add_argument("words", nargs="*", help="only the experiments whose title has all these words")
    options = parser.parse_args()
    results = []
    for row in ROWS:
        if all(word in row.title for word in options.words):
            result = run(row, options.quick)
            if result is None:
                print(f"{row.title}: rebottle could not take part", file=sys.stderr)
                return 1
            show(result)
            sys.stdout.flush()
            results.append(result)
    machine = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "processor": processor(),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
