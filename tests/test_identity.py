"""Identity updates: the pytest plug-in that updates every loaded module by itself while tests run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import textwrap, string, time
import rebottle

def test_text_is_wrapped_the_same_at_any_moment():
    seen = set()
    wrapped = textwrap.wrap("one two three", 5)
    while len(seen) < 3:  # until other modules were updated meanwhile
        seen.update(name for report in rebottle.history() for name in report.modules)
        assert textwrap.wrap("one two three", 5) == wrapped
        assert string.Template("$a").substitute(a=1) == "1"
"""


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(TESTS)
    plugins = ["-p", "pytest_rebottle", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *plugins, *options, "test_it.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("mode", ["functions", "classes", "rollback"])
def test_tests_pass_while_every_module_is_updated(tmp_path: Path, mode: str) -> None:
    done = run(tmp_path, f"--rebottle-identity={mode}", "--rebottle-interval=0.001")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert f"modules ({mode})" in done.stdout


def test_another_mode_is_told(tmp_path: Path) -> None:
    done = run(tmp_path, "--rebottle-identity=nothing")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "functions" in done.stderr
