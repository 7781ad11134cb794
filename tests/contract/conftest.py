"""Scenarios of sentences of the contract that don't hold yet are listed in ``open.txt`` and left out; ``--open`` runs just them."""

from __future__ import annotations

from pathlib import Path

import pytest

LIST = Path(__file__).with_name("open.txt")


def open_scenarios() -> set[str]:
    """Node ids, relative to this folder."""
    return {line for line in LIST.read_text(encoding="utf-8").splitlines() if line and not line.startswith("# ")}


def relative(item: pytest.Item) -> str:
    """The node id as the list has it."""
    return item.nodeid.partition("tests/contract/")[2]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the open scenarios out, or everything else."""
    names = open_scenarios()
    only_open = bool(config.getoption("--open"))
    here = [item for item in items if item.nodeid.startswith("tests/contract/")]
    left_out = [item for item in here if (relative(item) in names) != only_open]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
