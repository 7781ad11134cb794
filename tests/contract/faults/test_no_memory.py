"""The n-th allocation of an update fails: nothing changes, and the next update works."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.faults.no_memory import run

pytest.importorskip("_testcapi", reason="needs an interpreter with its test modules")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["once", "on"])
@pytest.mark.parametrize("verb", ["reload", "hotfix", "rollback"])
def test_many_allocations_fail_each_in_an_update_of_its_own(tmp_path: Path, verb: str, mode: str) -> None:
    assert "failed" in run(tmp_path, verb, mode, start=7, step=211)
