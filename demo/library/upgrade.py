"""Upgrades a library from PyPI under a living program, from one real release to the next: upgrade.py RELEASES."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from fetch import LIBRARY, NEW, OLD
from holders import Held, hold

import rebottle

COLUMNS = "  {:<31} {:<37} {:<14} {:<26} {:<9} {}"
YES_NO = {True: "yes", False: "NO"}


def fresh_answers(release: Path) -> list[str]:
    """What a program answers that was started on that release."""
    command = [sys.executable, str(Path(__file__).with_name("holders.py")), str(release)]
    answers: list[str] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answers


def replace_package(site: Path, release: Path) -> None:
    """Puts the package's files of that release where the program imports it from, as an installer does."""
    package = site / LIBRARY
    if package.exists():
        shutil.rmtree(package)
    shutil.copytree(release / LIBRARY, package, ignore=shutil.ignore_patterns("__pycache__"))


def tell_report(report: rebottle.Report) -> None:
    """What the update did, in numbers."""
    kinds = [change.kind for change in report.changes]
    print(f"  {len(report.modules)} modules, {len(kinds)} definitions changed:", end=" ")
    print(", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds))))
    print(f"  paused for {1e6 * report.timing.pause:.0f} µs; {1e3 * report.timing.total:.1f} ms altogether\n")


def tell_answers(held: list[Held], before: list[str], fresh: list[str]) -> bool:
    """Prints the table; true if every answer is that of a fresh start, and what was held is what the library has."""
    print(COLUMNS.format("held since the old release", "asked", OLD, NEW, "as fresh", "same object"))
    good = True
    for item, old, expected in zip(held, before, fresh, strict=True):
        new = item.answer()
        right = new == expected
        same = item.is_theirs is None or item.is_theirs()
        good = good and right and same
        kept = "forwards" if item.is_theirs is None else YES_NO[same]
        print(COLUMNS.format(item.what, item.question, old, new, YES_NO[right], kept))
    return good


def main() -> int:
    """Works on a copy of the releases in a folder of its own."""
    releases = Path(sys.argv[1])
    print(f"\n2. {LIBRARY} {OLD} from PyPI becomes {LIBRARY} {NEW} in a process that holds its objects\n", flush=True)
    fresh = fresh_answers(releases / NEW)
    with tempfile.TemporaryDirectory(prefix="rebottle-demo-") as folder:
        site = Path(folder)
        replace_package(site, releases / OLD)
        sys.path.insert(0, folder)
        held = hold()
        before = [item.answer() for item in held]

        replace_package(site, releases / NEW)
        report = rebottle.reload([LIBRARY, f"{LIBRARY}.*"], policy="replace")
        tell_report(report)
        good = tell_answers(held, before, fresh)
    print(f"\n  {'every object that was held runs the new release' if good else 'FAILED: not everything is as new'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
