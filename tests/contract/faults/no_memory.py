"""A program whose updates are run while the n-th allocation of Python fails, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

OLD = """
    import functools
    import dataclasses
    import other
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
    def traced(f):
        @functools.wraps(f)
        def inner(*a): return f(*a)
        return inner
    @traced
    def decorated(x): return x
    @functools.lru_cache
    def cached(x): return x + 1
    class Base: pass
    class Player(Base):
        speed = 1
        def __init__(self): self.health = 100
        @property
        def alive(self): return self.health > 0
        def fire(self, target=None): return 1
    @dataclasses.dataclass
    class Point:
        x: int = 0
    player = Player()
    point = Point()
    held = [player.fire, cached, step, decorated]
    def ready(): return "old"
    @traced
    def leaves(x, of=Base): return x, of
    class Leaves(Base):
        @property
        def one(self): return super().__hash__() and 1
        def two(self, other: Point = point): return __class__
    routes = {"leaves": leaves, "more": [Leaves.two]}
"""
NEW = """
    import functools
    import dataclasses
    import fresh
    import other
    LIMIT = 2
    ADDED = [LIMIT]
    TABLE = {"a": 1, "b": [3]}
    def counter():
        count = 0
        def step(by=1):
            nonlocal count
            count += 2 * by
            return count
        return step
    step = counter()
    def traced(f):
        @functools.wraps(f)
        def inner(*a): return f(*a) + 1
        return inner
    @traced
    def decorated(x, y=0): return x + y
    @functools.lru_cache
    def cached(x): return x + 2
    class Base:
        def base(self): return 1
    class Player(Base, other.Mixin):
        speed = 2
        def __init__(self):
            self.health = 100
            self.items = []
        @property
        def alive(self): return self.health >= 0
        def fire(self, target=5, more=()): return 2
        def new(self): return 3
    @dataclasses.dataclass
    class Point:
        x: int = 0
        y: int = 0
    player = Player()
    point = Point()
    held = [player.fire, cached, step, decorated]
    def ready(): return "new"
    other.REGISTRY["ready"] = ready()
    other.LIST.append(ready)
    other.Config.mode = LIMIT
"""
OTHER = """
    REGISTRY = {}
    LIST = []
    class Config: mode = 0
    class Mixin:
        def mixed(self): return 1
"""
IMPORTER = """
    from m import LIMIT, TABLE, Player, decorated
    fire = Player.fire
"""
HOTFIX = """
    import m
    def fire(self, target=7): return HELPER
    HELPER = 9
    m.Player.fire = fire
    m.TABLE["a"] = 5
    m.LIMIT = 8
    def wrap(f):
        def inner(*a): return f(*a) + 1
        return inner
    m.cached = wrap(m.cached)
    m.Player.extra = lambda self: 4
    m.other.LIST.append(m.Player)
    del m.held[0], m.Leaves.two, m.leaves
"""

# Arguments: the folder of the program, the verb, "once" or "on" (all that follow fail as well), the first n, the step,
# and how many updates without a failure, times the step, end it.
DRIVER = """
    import faulthandler, sys
    faulthandler.enable()
    folder, verb, mode = sys.argv[1:4]
    start, step, enough = map(int, sys.argv[4:])
    sys.path.insert(0, folder)
    import _testcapi, importer, m, other, rebottle
    from tests.graph import differences, state
    new, fix = (open(f"{folder}/{name}.txt").read() for name in ("new", "fix"))

    def reload(): return rebottle.reload(["m"], sources={"m": new}, policy="replace", prune=True)
    def hotfix(): return rebottle.hotfix(fix)

    def check(before, what):
        assert not (found := differences(before, state(m, other, importer))), (n, what, found[:9])

    def turn():
        "The update that fails, and what takes it back."
        if verb == "rollback":
            report = reload()
            return report.rollback, None
        return {"reload": reload, "hotfix": hotfix}[verb], lambda report: report.rollback()

    n = 0
    for update in (reload, hotfix) * 2: update().rollback()
    unchanged = state(m, other, importer)
    failed = passed = 0
    for n in range(start, 1_000_000, step):
        update, take_back = turn()
        before = state(m, other, importer)
        report = None
        try:
            _testcapi.set_nomemory(n, n + 1 if mode == "once" else 0)
            try:
                report = update()
            finally:
                _testcapi.remove_mem_hooks()
        except (MemoryError, rebottle.UpdateError) as error:
            assert isinstance(error, MemoryError) or "MemoryError" in str(error), (n, error)
            check(before, "after the failure")
            failed += 1
            report = update()
        else:
            passed += 1
        if verb == "reload": assert m.Player.fire(m.player) == 2 and other.REGISTRY == {"ready": "new"}, n
        if verb == "hotfix": assert m.Player.fire(m.player) == 9 and importer.LIMIT == 8, n
        if take_back: take_back(report)
        check(unchanged, "after the rollback")
        if passed * step > enough: break
    print("failed", failed, "last", n)
"""


def run(folder: Path, verb: str, mode: str, *, start: int = 1, step: int = 1, enough: int = 6000) -> str:
    """Fail every ``step``-th allocation, each in an update of its own. What the process printed; it must not fail."""
    files = {"m.py": OLD, "other.py": OTHER, "importer.py": IMPORTER, "fresh.py": "", "new.txt": NEW, "fix.txt": HOTFIX}
    for name, text in (files | {"driver.py": DRIVER}).items():
        (folder / name).write_text(textwrap.dedent(text))
    arguments = [str(folder), verb, mode, str(start), str(step), str(enough)]
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); exec(open({str(folder / 'driver.py')!r}).read())"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done.stdout
