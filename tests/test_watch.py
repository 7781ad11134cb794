"""``rebottle.watch()`` updates on every save, survives what fails, and is harmless at exit and in forked children."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import rebottle
from rebottle import _native

LONG = 30.0  # seconds that nothing here takes

PROGRAM = """
import os, sys, threading
import rebottle
sys.path.insert(0, sys.argv[1])
import edited
updated = threading.Event()
rebottle.on_update(lambda report: updated.set())
handle = rebottle.watch()
def edit(text):
    with open(edited.__file__, "w") as file:
        file.write(f"def f():\\n    return {text}\\n")
"""


class Messages:
    """A standard error that can be waited for."""

    def __init__(self) -> None:
        self.text = ""
        self.changed = threading.Condition()

    def write(self, text: str) -> None:
        with self.changed:
            self.text += text
            self.changed.notify_all()

    def flush(self) -> None:
        """Nothing is buffered."""

    def wait_for(self, word: str) -> str:
        with self.changed:
            assert self.changed.wait_for(lambda: word in self.text, LONG), self.text
            return self.text


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> Messages:
    stream = Messages()
    # Not sys.stderr itself: pytest puts its own there before the test begins.
    monkeypatch.setattr("rebottle._console.sys", SimpleNamespace(stderr=stream))
    return stream


@contextmanager
def updated(where: str) -> Iterator[None]:
    """Wait at the end of the block for an update of ``where``."""
    seen = threading.Event()

    @rebottle.on_update
    def look(report: rebottle.Report) -> None:
        if any(change.where == where for change in report.changes):
            seen.set()

    yield
    assert seen.wait(LONG)


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "edited.py").write_text("def f():\n    return 0\n")
    home = str(Path(rebottle.__file__).parent.parent)
    return subprocess.run(
        # Python warns of any fork beside a thread.
        [sys.executable, "-B", "-W", "ignore:This process:DeprecationWarning", "-c", PROGRAM + program, str(folder)],
        env=os.environ | {"PYTHONPATH": home},
        capture_output=True,
        text=True,
        timeout=2 * LONG,
    )


def test_a_save_updates_the_module(world: Any) -> None:
    m: ModuleType = world.load(world.name("m"), "def f():\n    return 1\n")
    f = m.f
    with rebottle.watch():
        for value in (2, 3):
            with updated(f"{m.__name__}.f"):
                world.write(m.__name__, f"def f():\n    return {value}\n")
            assert f() == value


def test_a_module_imported_later_is_watched(world: Any) -> None:
    with rebottle.watch():
        m: ModuleType = world.load(world.name("later"), "def f():\n    return 1\n")
        with updated(f"{m.__name__}.f"):
            world.write(m.__name__, "def f():\n    return 2\n")
        assert m.f() == 2


def test_a_failure_is_shown_and_the_next_save_heals_it(world: Any, messages: Messages) -> None:
    m: ModuleType = world.load(world.name("m"), "def f():\n    return 1\n")
    with rebottle.watch():
        path = world.write(m.__name__, "def f(:\n    return 2\n")
        said = messages.wait_for("line 1")
        assert said.startswith("rebottle: ")
        assert str(path) in said
        assert m.f() == 1
        with updated(f"{m.__name__}.f"):
            world.write(m.__name__, "def f():\n    return 3\n")
        assert m.f() == 3


def test_nothing_happens_after_stop(world: Any) -> None:
    m: ModuleType = world.load(world.name("m"), "def f():\n    return 1\n")
    before = set(threading.enumerate())
    handle = rebottle.watch()
    handle.stop()
    handle.stop()
    assert set(threading.enumerate()) == before
    world.write(m.__name__, "def f():\n    return 2\n")
    assert m.f() == 1


def test_it_may_be_stopped_by_a_callback_of_its_own_update(world: Any) -> None:
    m: ModuleType = world.load(world.name("m"), "def f():\n    return 1\n")
    handle = rebottle.watch()
    stopped = threading.Event()

    @rebottle.on_update
    def stop(report: rebottle.Report) -> None:
        handle.stop()
        stopped.set()

    world.write(m.__name__, "def f():\n    return 2\n")
    assert stopped.wait(LONG)


def test_a_wrong_policy_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="never"):
        rebottle.watch("never")  # type: ignore[arg-type]


def test_it_does_not_keep_the_program_alive(tmp_path: Path) -> None:
    done = run("print(edited.f())", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "handle.stop()", "import atexit; atexit.register(edit, 2)"])
def test_the_program_may_end_in_the_middle_of_an_update(tmp_path: Path, end: str) -> None:
    done = run(f"edit(1)\n{end}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_forked_child_goes_its_own_way(tmp_path: Path) -> None:
    done = run(
        """
child = os.fork()
if not child:
    handle.stop()
    edit(1)
    sys.exit(5)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
assert updated.wait(30)
print(edited.f())
""",
        tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_the_native_watcher_tells_paths_as_they_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["a.py", "b\udcff.py"]
    watcher = _native.Watcher()
    assert watcher.add(names) == 2
    assert watcher.add(iter(names)) == 0
    assert watcher.wait(0) == []
    for name in names:
        Path(name).write_text("1")
    assert watcher.wait(LONG) == names
    watcher.stop()
    assert watcher.wait(LONG) == []


def test_the_native_watcher_refuses_what_is_no_path_or_time() -> None:
    watcher = _native.Watcher()
    for wrong in ([1], None):
        with pytest.raises(TypeError):
            watcher.add(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="null"):
        watcher.add(["a\0b"])
    with pytest.raises(ValueError, match="nan"):
        watcher.wait(float("nan"))


def test_threads_waiting_at_exit_are_no_trouble(tmp_path: Path) -> None:
    program = """
from rebottle import _native
def wait(seconds):
    watcher = _native.Watcher()
    while True:
        watcher.wait(seconds)
for seconds in (0.0, 0.0, 0.001, 1000.0):
    threading.Thread(target=wait, args=(seconds,), daemon=True).start()
"""
    done = run(program, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
