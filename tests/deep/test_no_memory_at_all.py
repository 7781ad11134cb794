"""Every single allocation of an update fails, one update for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.faults.no_memory import run

pytest.importorskip("_testcapi", reason="needs an interpreter with its test modules")


@pytest.mark.timeout(1600)
@pytest.mark.parametrize("mode", ["once", "on"])
@pytest.mark.parametrize("verb", ["reload", "hotfix", "rollback"])
def test_every_allocation_fails(tmp_path: Path, verb: str, mode: str) -> None:
    assert "failed" in run(tmp_path, verb, mode)
