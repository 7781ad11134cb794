"""The stubs say what the module is, and the package is typed for those who use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import rebottle

HOME = Path(rebottle.__file__).parent.parent


def mypy(*command: str, cwd: Path) -> str:
    """What ``python -m COMMAND`` prints; fails the test unless it succeeds."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env=os.environ | {"MYPYPATH": str(HOME), "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_stubs_agree_with_the_module(tmp_path: Path) -> None:
    assert "Success" in mypy("mypy.stubtest", "rebottle", cwd=tmp_path)


def test_a_program_that_uses_it_is_typed(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(
        """
from pathlib import Path
import rebottle

with rebottle.hold(), rebottle.watch(policy={"m": "keep"}) as handle:
    handle.stop()

@rebottle.on_update
def show(report: rebottle.Report) -> None:
    seconds: float = report.timing.pause
    print(report, seconds, [change.where for change in report.changes])

try:
    rebottle.reload(["m", rebottle], policy="merge", sources={"m": "x = 1"}).rollback(cascade=True)
    rebottle.hotfix(Path("fix.py"), name="fix")
except rebottle.RefusedError as error:
    print(error.report.modules, [refusal.what_to_do for refusal in error.refusals])
unknown: list[str] = list(rebottle.plan("m").unknown)
"""
    )
    mypy("mypy", "--strict", "user.py", cwd=tmp_path)


def test_everything_public_is_documented() -> None:
    for name in rebottle.__all__:
        assert getattr(rebottle, name).__doc__, name
