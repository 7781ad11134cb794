"""Writes the figures of the last `make bench` (build/bench.json) into docs/benchmarks.md."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

from run import OUT, SCALE

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: made by bench/page.py from what make bench measured -->\n", "<!-- end of figures -->\n"
OURS = ("rebottle", "rebottle-all")
OLD = "¹"  # who held the function runs the old one


def rounded(value: float) -> str:
    """Two digits, or all that stand before the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def cell(result: dict[str, Any], tool: str) -> str:
    """What a tool needed, and how many times as much as rebottle."""
    cost = f"{rounded(result['cost'][tool] * SCALE[result['unit']])} {result['unit'].replace('us', 'µs')}"
    ratio = f" ({rounded(result['ratio'][tool])} x)" if tool in result["ratio"] else ""
    return cost + ratio + ("" if result["holders"].get(tool, True) else OLD)


def table(results: list[dict[str, Any]]) -> str:
    """A line for each experiment."""
    lines = ["| what | rebottle | beside |", "|---|---|---|"]
    for result in results:
        ours = next(tool for tool in OURS if tool in result["cost"])
        others = ", ".join(f"{tool} {cell(result, tool)}" for tool in result["cost"] if tool != ours)
        lines.append(f"| {result['title']} | {cell(result, ours)} | {others} |")
    return "\n".join(lines)


def parts(results: list[dict[str, Any]]) -> str:
    """Of what the cost of one edit is made, by size of the module."""
    names = ("read", "compile", "stage", "pause")
    lines = [f"| functions in the module | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for result in results:
        if "read" in result["parts"]:
            figures = [f"{result['parts'][name] * 1e6:.0f} µs" for name in names]
            lines.append(f"| {result['size']:,} | {' | '.join(figures)} |")
    return "\n".join(lines)


def main() -> None:
    """Replaces what stands between the marks."""
    measured = json.loads(OUT.read_text())
    machine, results = measured["machine"], measured["results"]
    where = (
        f"CPython {machine['python']}, {machine['cpus']} cores of {machine['processor'] or platform.machine()}, Linux."
    )
    before, rest = PAGE.read_text().split(BEGIN)
    after = rest.split(END)[1]
    figures = "\n\n".join([where, table(results), "Of what the time of one edit is made:", parts(results)])
    PAGE.write_text(f"{before}{BEGIN}\n{figures}\n\n{END}{after}")


if __name__ == "__main__":
    main()
