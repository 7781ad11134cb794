"""``rebottle run`` is ``python``, plus updates; ``doctor`` and ``--version`` tell what there is."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest

import rebottle

HOME = Path(rebottle.__file__).parent.parent

FROZEN = re.compile(r' *File "<frozen .*\n')

PROBE = """
import sys
own = {name: value for name, value in globals().items() if name.startswith("__")}
loader, spec = own.pop("__loader__"), own.pop("__spec__")
own["__builtins__"] = own["__builtins__"].__name__
print(sorted(own.items(), key=repr))
print(type(loader).__name__, spec and (spec.name, spec.origin, spec.parent))
print(sys.argv, sys.path[:2], sys.modules["__main__"].__dict__ is globals())
if __name__ == "__main__":
    print("main", ann.__name__ if "ann" in globals() else "", annotations if "annotations" in globals() else "")
"""

LIVE = """
import sys
import helper

def greeting():
    return "hello"

if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        print(greeting(), helper.name(), flush=True)
    print("end", flush=True)
"""


def environment(**more: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("REBOTTLE", "PYTHON"))}
    home = {name: os.environ[name] for name in ("PYTHONHOME",) if name in os.environ}
    return own | home | {"PYTHONPATH": str(HOME), "PYTHONDONTWRITEBYTECODE": "1"} | more


def finish(*command: str, cwd: Path, **more: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of ``python COMMAND``."""
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment(**more), capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


class Running:
    """A program under ``rebottle run`` that answers each line of its input with one of its output."""

    def __init__(self, folder: Path, *options: str, **more: str) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "rebottle", "run", *options, "app.py"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment(**more), stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1
        )
        # Its end is what wakes a test that waits in vain.
        self.limit = threading.Timer(60, self.process.kill)
        self.limit.start()
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        self.stdin, self.stdout, self.stderr = self.process.stdin, self.process.stdout, self.process.stderr
        assert self.stdout.readline() == "ready\n", self.stderr.read()

    def ask(self) -> str:
        self.stdin.write("?\n")
        return self.stdout.readline().rstrip()

    def told(self, word: str) -> str:
        """What standard error says, up to and with the line that has ``word``."""
        lines: list[str] = []
        while not lines or word not in lines[-1]:
            lines.append(self.stderr.readline())
            assert lines[-1], "".join(lines)
        return "".join(lines)

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.limit.cancel()
        if kind is not None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "pkg"
    package.mkdir()
    for path in ("app.py", "pkg/__main__.py", "pkg/tool.py"):
        (tmp_path / path).write_text(PROBE)
    (package / "__init__.py").write_text("")
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", PROBE)
    (tmp_path / "link.py").symlink_to("pkg/tool.py")
    return tmp_path


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Programs started in it can be interrupted: in a background job of a shell they inherit that SIGINT is ignored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.fixture
def live(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(LIVE)
    (tmp_path / "helper.py").write_text("def name():\n    return 'world'\n")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "app.py",
        "./app.py -x --policy keep -- -m",
        "link.py",
        "-m app -- a",
        "-m pkg",
        "-m pkg.tool -m",
        "pkg 1",
        "app.zip 1",
    ],
)
def test_run_makes_the_same_main_as_python(folder: Path, command: str) -> None:
    expected = finish(*command.split(), cwd=folder)
    assert expected[0] == 0
    assert finish("-m", "rebottle", "run", *command.split(), cwd=folder) == expected


def test_run_respects_the_safe_path(folder: Path) -> None:
    expected = finish("app.py", cwd=folder, PYTHONSAFEPATH="1")
    assert finish("-m", "rebottle", "run", "app.py", cwd=folder, PYTHONSAFEPATH="1") == expected


@pytest.mark.parametrize(
    "program",
    [
        "def f():\n    1 / 0\nf()",
        "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('b') from e",
        "x = 1\nif x\n    pass",
        "raise SystemExit('sorry')",
        "raise SystemExit(3)",
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)",
        "import sys, traceback\nsys.excepthook = lambda k, v, t: print(k, v, *traceback.format_tb(t))\n1 / 0",
        "import sys\ndef hook(*a): raise SystemExit(7)\nsys.excepthook = hook\n1 / 0",
        "import atexit\natexit.register(print, 1)\nprint(2)",
        "import threading as t\nt.Thread(target=lambda: print(t.main_thread().join())).start()",
        "def f() -> 'x': ...\nclass C:\n    a: undefined_name",
    ],
)
@pytest.mark.parametrize("option", [[], ["-m"]])
def test_run_ends_as_python_does(tmp_path: Path, program: str, option: list[str]) -> None:
    (tmp_path / "app.py").write_text(program)
    target = [*option, "app" if option else "app.py"]

    def end(*command: str) -> tuple[int, str, str]:
        status, out, err = finish(*command, *target, cwd=tmp_path)
        # `python -m` shows how it finds and runs the module.
        return status, FROZEN.sub("", out), FROZEN.sub("", err)

    assert end("-m", "rebottle", "run") == end()


@pytest.mark.parametrize(
    ("command", "status"), [("gone.py", 2), ("-m gone", 1), ("-m gone.deep", 1), (".", 1), ("-m e", 1)]
)
def test_run_says_what_it_cannot_find(tmp_path: Path, command: str, status: int) -> None:
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "__init__.py").write_text("")
    _, _, said = finish(*command.split(), cwd=tmp_path)
    expected = f"rebottle: {said.split(': ', 1)[1]}"
    assert finish("-m", "rebottle", "run", *command.split(), cwd=tmp_path) == (status, "", expected)


def test_run_updates_modules_and_the_program_itself(live: Path) -> None:
    with Running(live) as program:
        assert program.ask() == "hello world"
        (live / "helper.py").write_text("def name():\n    return 'moon'\n")
        assert "pause" in program.told("helper.name")
        assert program.ask() == "hello moon"
        (live / "app.py").write_text(LIVE.replace("hello", "good evening"))
        program.told("greeting")
        assert program.ask() == "good evening moon"


def test_run_goes_on_with_old_code_until_the_file_is_mended(live: Path) -> None:
    with Running(live) as program:
        (live / "helper.py").write_text("def name():\n    return 'moon\n")
        said = program.told("line 2")
        assert str(live / "helper.py") in said
        assert "SyntaxError" in said
        assert program.ask() == "hello world"
        (live / "helper.py").write_text("def name():\n    return 'mars'\n")
        program.told("helper.name")
        assert program.ask() == "hello mars"


def test_run_says_that_a_file_is_mended_where_nothing_is_left_to_update(live: Path) -> None:
    text = (live / "helper.py").read_text()
    with Running(live) as program:
        (live / "helper.py").write_text("def name(:\n")
        program.told("line 1")
        (live / "helper.py").write_text(text)
        program.told("mended")
        assert program.ask() == "hello world"


def test_run_shows_no_more_than_a_few_lines_of_an_update(live: Path) -> None:
    text = (live / "helper.py").read_text()
    many = "".join(f"def function_{number}(): ...\n" for number in range(40))
    with Running(live) as program:
        (live / "helper.py").write_text(many + text)
        said = program.told("more: rebottle.history()")
        assert "40 changed" in said
        assert len(said.splitlines()) < 15
        assert program.ask() == "hello world"


def test_run_takes_a_policy(live: Path) -> None:
    (live / "helper.py").write_text("NAME = 'world'\ndef name():\n    return NAME\n")
    new = "NAME = 'moon'\ndef name():\n    return NAME + '!'\n"
    for policy, answer in (("keep", "hello world!"), ("merge", "hello moon!"), ("replace", "hello moon!")):
        with Running(live, "--policy", policy) as program:
            (live / "helper.py").write_text(new)
            program.told("helper.name")
            assert program.ask() == answer
        (live / "helper.py").write_text("NAME = 'world'\ndef name():\n    return NAME\n")


def test_run_only_runs_where_updates_are_disabled(live: Path) -> None:
    (live / "helper.py").write_text("import threading\ndef name():\n    return threading.active_count()\n")
    with Running(live, REBOTTLE_DISABLE="1") as program:
        assert program.ask() == "hello 1"


WAITS = {
    "sleep": "import time\nprint('ready', flush=True)\ntime.sleep(1000)",
    "loop": "print('ready', flush=True)\nwhile True: pass",
    "threads": """
import threading

def spin():
    while True: pass

for _ in range(2):
    threading.Thread(target=spin, daemon=True).start()
print("ready", flush=True)
done = threading.Event()
while not done.wait(0.1): pass  # CPython itself misses an interrupt that comes just before an endless wait
""",
    "asyncio": """
import asyncio

async def main():
    print("ready", flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
""",
    "socket": """
import socket

with socket.create_server(("127.0.0.1", 0)) as server:
    print("ready", flush=True)
    server.accept()
""",
    "input": LIVE,
}


@pytest.mark.parametrize("program", WAITS.values(), ids=WAITS)
@pytest.mark.usefixtures("interrupts")
def test_an_interrupt_ends_the_program_at_once(live: Path, program: str) -> None:
    (live / "app.py").write_text(program)
    with Running(live) as running:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == -signal.SIGINT


@pytest.mark.usefixtures("interrupts")
def test_an_interrupt_ends_the_program_after_an_update_too(live: Path) -> None:
    with Running(live) as program:
        (live / "helper.py").write_text("def name():\n    return 'moon'\n")
        program.told("helper.name")
        program.process.send_signal(signal.SIGINT)
        assert program.process.wait(20) == -signal.SIGINT


def test_version_and_doctor(tmp_path: Path) -> None:
    assert finish("-m", "rebottle", "--version", cwd=tmp_path) == (0, f"rebottle {rebottle.__version__}\n", "")
    status, told, _ = finish("-m", "rebottle", "doctor", cwd=tmp_path)
    assert status == 0
    assert "supported" in told
    assert "REBOTTLE_DISABLE" not in told
    assert "REBOTTLE_DISABLE" in finish("-m", "rebottle", "doctor", cwd=tmp_path, REBOTTLE_DISABLE="1")[1]


def test_a_wrong_command_line_is_a_usage_error(tmp_path: Path) -> None:
    for command in ([], ["run"], ["run", "--policy", "none", "app.py"], ["dance"]):
        status, _, said = finish("-m", "rebottle", *command, cwd=tmp_path)
        assert status == 2
        assert said.startswith("usage: rebottle")


def test_a_sub_interpreter_is_told_in_one_sentence(tmp_path: Path) -> None:
    script = """
import sys
import _interpreters as interpreters
code = "try:\\n import rebottle\\nexcept ImportError as error:\\n print(error)"
interpreters.run_string(interpreters.create(), code)
"""
    if sys.version_info < (3, 13):
        script = script.replace("_interpreters as", "_xxsubinterpreters as")
    assert finish("-c", script, cwd=tmp_path)[1].startswith("rebottle can't be used here: this is a sub-interpreter")
