"""The installed CMake package serves a host that knows nothing of this repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rebottle

BUILD = Path(rebottle.__file__).parent.parent.parent
PATIENCE = 300

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(my_game LANGUAGES CXX)
find_package(rebottle REQUIRED)
add_executable(my_game main.cpp)
target_link_libraries(my_game PRIVATE rebottle::rebottle)
"""

HOST = r"""
#include <Python.h>
#include <cstdio>
#include <rebottle/rebottle.hpp>

int main() {
    Py_Initialize();
    auto created = rebottle::Engine::create();
    if (!created) return std::puts(created.error().message.c_str()), 1;
    rebottle::Engine& engine = *created.value();
    PyRun_SimpleString("import sys; sys.path.insert(0, '.'); import player; held = player.speed");
    const auto fixed = engine.hotfix("import player\ndef speed(): return 42\nplayer.speed = speed\n");
    if (!fixed) return std::puts(fixed.error().message.c_str()), 1;
    PyRun_SimpleString("print(held(), flush=True)");
    return Py_FinalizeEx();
}
"""


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    """Standard output; the test fails with all that was said where the command does."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.skipif(not (BUILD / "librebottle.a").exists(), reason="the library for hosts isn't built")
@pytest.mark.skipif(shutil.which("cmake") is None, reason="no CMake")
def test_a_host_finds_and_links_the_installed_package(tmp_path: Path) -> None:
    if "fsanitize" in (BUILD / "rebottleTargets.cmake").read_text():
        pytest.skip("an instrumented build wants instrumented hosts")
    run("cmake", "--install", BUILD, "--prefix", tmp_path / "installed", cwd=tmp_path)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    (tmp_path / "main.cpp").write_text(HOST)
    (tmp_path / "player.py").write_text("def speed():\n    return 1\n")
    run("cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={tmp_path / 'installed'}", cwd=tmp_path)
    run("cmake", "--build", "build", cwd=tmp_path)
    # A relocated interpreter doesn't find its library from inside another program.
    home = f"{sys.base_prefix}{os.pathsep}{sys.base_exec_prefix}"
    assert run(tmp_path / "build" / "my_game", cwd=tmp_path, PYTHONHOME=home).strip() == "42"
