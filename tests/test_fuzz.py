"""Programs live through random edits: updated, they are as after a start; a rollback takes each update back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import rebottle

ROOT = Path(__file__).resolve().parents[1]


def explore(what: str, first: int, last: int, timeout: float) -> None:
    """Run these seeds in a process of their own: it may crash."""
    folders = [str(ROOT), str(Path(rebottle.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", f"tests.fuzz.{what}", str(first), str(last)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]


def test_a_few_programs_live_through_random_edits() -> None:
    explore("explore", 1, 12, timeout=300)


def test_a_few_pairs_of_modules_live_through_random_edits() -> None:
    explore("explore_pairs", 1, 60, timeout=300)
