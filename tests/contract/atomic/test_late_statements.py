"""Contract 2.4 and 6.3: other threads are held off while statements run at the commit, as long as those don't block."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.usefixtures("quick_switches")
def test_no_thread_sees_the_new_version_without_what_is_bound_at_the_commit(ab: Callable[..., Any]) -> None:
    text = "class P:\n    def __init__(self): self.n = 0\ndef f(): return 0\nn = 0\n"
    m, update = ab(text)
    done = threading.Event()
    torn: list[tuple[int, int]] = []

    def look() -> None:
        while not done.is_set():
            before, called = m.n, m.f()
            if m.n == before != called:
                torn.append((before, called))

    threads = [threading.Thread(target=look) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for n in range(1, 101):
            late = f"n = P().n * {n} // {n}\n"
            report = update(
                text.replace("= 0\n", f"= {n}\n", 1).replace("return 0\nn = 0\n", f"return {n}\n{late}"),
                policy="replace",
            )
            assert "run-at-commit" in [change.kind for change in report.changes]
            assert (m.n, m.f()) == (n, n)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert torn == []
