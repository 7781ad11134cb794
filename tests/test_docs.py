"""Every sample of README and docs is run as it stands there, and prints what the page says.

A section (``##``) is one program in a folder of its own. What a block is, the line at its start tells:

- ``python NAME.py`` is saved under that name; ``python`` is run, all of a section in one interpreter.
- ``sh`` is run; ``sh background`` goes on until the section ends; ``sh elsewhere`` isn't run.
- ``text`` is what the block before it printed, … standing for anything; ``text elsewhere`` isn't compared.
- ``cpp`` must compile.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import rebottle

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGES.md", *sorted((ROOT / "docs").glob("*.md"))]
HOME = Path(rebottle.__file__).parent.parent
PATIENCE = 60

# Runs the blocks that it reads, each ended by a line with a zero byte, in one namespace.
INTERPRETER = r"""
import io, sys
import rebottle
sys.path.insert(0, "")
sys.dont_write_bytecode = True
namespace = {"__name__": "__main__"}
for block in iter(lambda: "".join(iter(sys.stdin.readline, "\0\n")), ""):
    exec(compile(block, "<sample>", "exec"), namespace)
    print("\0", flush=True)
"""


@dataclass
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    note: str
    text: str


def blocks(page: Path) -> Iterator[tuple[str, Block]]:
    """The section's title and the block, for each block of a page."""
    section, fence, start = "start", None, 0
    lines: list[str] = []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if fence is None and line.startswith("## "):
            section = line[3:]
        elif fence is None and line.startswith("```"):
            fence, start, lines = line[3:].split(" ", 1), number, []
        elif fence is not None and line == "```":
            yield section, Block(page, start, fence[0], "".join(fence[1:]), "\n".join(lines) + "\n")
            fence = None
        else:
            lines.append(line)


def sections() -> Iterator[object]:
    """The blocks of each section that has any."""
    found: dict[tuple[str, str], list[Block]] = {}
    for page in PAGES:
        for section, block in blocks(page):
            found.setdefault((page.name, section), []).append(block)
    for (page_name, section), several in found.items():
        yield pytest.param(several, id=f"{page_name}: {section}")


def as_pattern(text: str) -> str:
    """A regular expression for output that may have anything where ``text`` has ``…``."""
    lines = [line.rstrip() for line in textwrap.dedent(text).strip().splitlines()]
    return r"\s*\n".join(".*".join(re.escape(part) for part in line.split("…")) for line in lines)


@dataclass
class Section:
    """Runs the blocks of one section in ``folder``."""

    folder: Path
    output: str = ""
    interpreter: subprocess.Popen[str] | None = None
    background: list[subprocess.Popen[str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def environment(self) -> dict[str, str]:
        """The commands of this build come first on the path."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {
            "PATH": path,
            "PYTHONPATH": str(HOME),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_PLUGINS": "pytest_rebottle",  # in an installed package an entry point tells of it
        }

    def make_commands(self) -> None:
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "python").symlink_to(sys.executable)
        for name in ("rebottle", "pytest"):
            script = self.folder / "bin" / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {name} "$@"\n')
            script.chmod(0o755)

    def run(self, block: Block) -> None:
        what = (block.language, block.note)
        if block.note == "elsewhere":
            return
        if block.note and block.language == "python":
            (self.folder / block.note).write_text(block.text)
        elif block.language == "python":
            self.output = self.python(block.text)
        elif what == ("sh", "background"):
            self.start(block.text)
        elif block.language == "sh":
            self.output = self.shell(block.text)
        elif block.language == "text":
            self.compare(block)
        elif block.language == "cpp":
            self.compile(block.text)

    def python(self, text: str) -> str:
        if self.interpreter is None:
            self.interpreter = self.popen([sys.executable, "-c", INTERPRETER])
        assert self.interpreter.stdin is not None
        assert self.interpreter.stdout is not None
        self.interpreter.stdin.write(text + "\0\n")
        self.interpreter.stdin.flush()
        lines: list[str] = []
        for line in self.interpreter.stdout:
            if line == "\0\n":
                return "".join(lines)
            lines.append(line)
        raise AssertionError("".join(lines))

    def popen(self, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def shell(self, text: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", text],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self, text: str) -> None:
        process = self.popen(["bash", "-ec", "exec " + text])
        self.background.append(process)

        def listen() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                with self.news:
                    self.said.append(line)
                    self.news.notify_all()

        threading.Thread(target=listen, daemon=True).start()

    def compare(self, block: Block) -> None:
        pattern = as_pattern(block.text)
        if self.background:
            with self.news:
                found = self.news.wait_for(lambda: re.search(pattern, "".join(self.said)), PATIENCE)
            assert found, "".join(self.said)
            # What is still to come is what the next block is about.
            self.said = ["".join(self.said)[found.end() :]]
        else:
            assert re.fullmatch(pattern, self.output.strip()), (
                f"{block.page.name}:{block.line}: it printed\n{self.output}"
            )

    def compile(self, text: str) -> None:
        (self.folder / "sample.cpp").write_text(text)
        command = ["g++", "-std=c++20", "-Wall", "-Wextra", "-fsyntax-only", "-I", str(ROOT / "include"), "sample.cpp"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        for process in [*self.background, *([self.interpreter] if self.interpreter else [])]:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("several", sections())
def test_the_samples_do_what_the_page_says(several: list[Block], tmp_path: Path) -> None:
    if any(block.language == "cpp" for block in several) and not shutil.which("g++"):
        pytest.skip("no C++ compiler")
    section = Section(tmp_path)
    section.make_commands()
    try:
        for block in several:
            section.run(block)
    finally:
        section.stop()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    assert [target for target in targets if target and not (page.parent / target).exists()] == []


def test_the_list_of_limits_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "limits"), "--check"],
        env=os.environ | {"PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
