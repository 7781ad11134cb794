"""The n-th allocation of an update fails, for every n: nothing changes, and the next update works."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

testcapi = pytest.importorskip("_testcapi", reason="needs an interpreter with its test modules")

OLD = """
    import functools
    LIMIT = 1
    TABLE = {"a": 1, "b": [2]}
    def counter():
        count = 0
        def step(by=1):
            nonlocal count
            count += by
            return count
        return step
    step = counter()
    @functools.lru_cache
    def cached(x): return x + 1
    class Player:
        speed = 1
        def __init__(self): self.health = 100
        @property
        def alive(self): return self.health > 0
        def fire(self, target=None): return 1
    player = Player()
    held = [player.fire, cached, step]
"""
NEW = (
    OLD.replace("count += by", "count += 2 * by")
    .replace("x + 1", "x + 2")
    .replace("> 0", ">= 0")
    .replace("LIMIT = 1", "LIMIT = 2\n    ADDED = [LIMIT]")
    .replace("target=None): return 1", "target=5, more=()): return 2\n        def new(self): return 3")
    .replace("[2]", "[3]")
)

# Run in a process of its own, because one allocation that isn't checked may end it.
DRIVER = """
    import faulthandler, gc, sys
    faulthandler.enable()
    sys.path.insert(0, sys.argv[1])
    import _testcapi, rebottle, m
    old, new = (open(f"{sys.argv[1]}/{name}").read() for name in ("m.py", "new.txt"))

    def content(f):
        return f.__code__, f.__closure__, f.__defaults__, f.__kwdefaults__, f.__doc__, f.__annotations__

    def digest():
        names = {key: id(value) for key, value in vars(m).items()}
        members = {key: id(value) for key, value in vars(m.Player).items() if key != "__doc__"}
        functions = [m.counter, m.step, m.cached.__wrapped__, m.Player.fire, m.Player.__init__, m.Player.alive.fget]
        return names, members, [content(f) for f in functions], str(m.TABLE), m.LIMIT, vars(m.player).copy()

    def update(source):
        return rebottle.reload(["m"], sources={"m": source}, policy="replace")

    update(new).rollback()
    before = digest()
    failed = 0
    start, step = int(sys.argv[2]), int(sys.argv[3])
    for n in range(start, 1_000_000, step):
        error = report = None
        try:
            _testcapi.set_nomemory(n, n + 1)
            try:
                report = update(new)
            finally:
                _testcapi.remove_mem_hooks()
        except (MemoryError, rebottle.UpdateError) as e:
            error = e
        if report is None:
            failed += 1
            assert digest() == before, n
        else:
            assert m.Player.fire(m.player) == 2, n
            report.rollback()
            assert digest() == before, n
        if n % 97 == 0:
            update(new).rollback()
            assert digest() == before, n
        if report is not None and n > int(sys.argv[4]):
            break
    print("failed", failed, "last", n)
"""


def run(folder: Path, start: int, step: int, enough: int) -> subprocess.CompletedProcess[str]:
    (folder / "m.py").write_text(textwrap.dedent(OLD))
    (folder / "new.txt").write_text(textwrap.dedent(NEW))
    (folder / "driver.py").write_text(textwrap.dedent(DRIVER))
    command = [sys.executable, str(folder / "driver.py"), str(folder), str(start), str(step), str(enough)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280)


@pytest.mark.timeout(300)
def test_every_hundredth_allocation_fails(tmp_path: Path) -> None:
    done = run(tmp_path, 1, 101, 0)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    assert "failed" in done.stdout
