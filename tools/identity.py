"""Runs test suites while every loaded module is updated by itself, again and again, and compares with a run without.

identity.py cpython [MODE...] [--only FILE...]      the files of CPython's own test suite named in identity.toml
identity.py packages [MODE...] [--only NAME...]     the suites of the packages named there, fetched from PyPI
identity.py file MODE FILE [--runs N]               one file, in this process; the last line is its result as JSON
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import unittest
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

MODES = ("functions", "classes", "rollback")
TREE = Path(__file__).resolve().parents[1]
WORK = TREE / "build" / "identity"
LIST: dict[str, Any] = tomllib.loads((TREE / "tools/identity.toml").read_text())
INTERVAL = 0.003  # seconds between two updates
LONG_ENOUGH = 8.0  # seconds after which a file isn't run once more
LIMIT = 240  # seconds for a file
PACKAGE_LIMIT = 1200  # seconds for the suite of a package


# --- one file, in this process ----------------------------------------------------------------------------------------


def exceptions(mode: str, name: str, what: str) -> list[str]:
    """The tests of a file or package, or the modules, that identity.toml excepts."""
    entries = [each for each in LIST["exception"] if mode in each.get("modes", MODES)]
    return [item for each in entries if each.get("in", name) == name for item in each.get(what, [])]


def tests_in(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """All tests of a suite, in order."""
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from tests_in(each)
        else:
            yield each


def run_once(mode: str, name: str) -> list[str]:
    """Run the tests of a file, but for the exceptions; the names of those that fail."""
    excepted = exceptions(mode, name, "tests")
    tests = tests_in(unittest.defaultTestLoader.loadTestsFromName(f"test.{name}"))
    kept = [test for test in tests if not any(fnmatch(test.id(), pattern) for pattern in excepted)]
    result = unittest.TextTestRunner(verbosity=0).run(unittest.TestSuite(kept))
    failed = [test for test, _ in result.failures + result.errors] + list(result.unexpectedSuccesses)
    return sorted({getattr(test, "test_case", test).id() for test in failed})  # a subtest counts as its test


def run_file(mode: str, name: str, runs: int) -> int:
    """Run a file `runs` times, or, where 0, until every module was updated."""
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    outcome: dict[str, Any] = {"failed": [], "runs": 0, "updates": 0, "modules": 0, "refused": {}, "broken": {}}
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        updates = None
        if mode != "none":
            from rebottle._identity import IdentityUpdates

            updates = stack.enter_context(IdentityUpdates(mode, INTERVAL))  # type: ignore[arg-type]
        while not outcome["failed"]:
            outcome["failed"] = run_once(mode, name)
            outcome["runs"] += 1
            if runs and outcome["runs"] >= runs:
                break
            if not runs and (updates is None or updates.covered() or time.monotonic() - start > LONG_ENOUGH):
                break
    faulthandler.cancel_dump_traceback_later()
    if updates is not None:
        outcome.update(updates=updates.updates, modules=len(updates.modules), refused=updates.refused)
        outcome["broken"] = updates.failed
    print("\n" + json.dumps(outcome))
    return 1 if outcome["failed"] or outcome["broken"] else 0


# --- all files, each in a process of its own --------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """Where the interpreter finds the rebottle that this one finds."""
    import rebottle

    return os.environ | {"PYTHONPATH": str(Path(rebottle.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}


def file_in_process(mode: str, name: str, runs: int = 0) -> dict[str, Any]:
    """Run a file; its outcome. What it printed is in build/identity."""
    log = WORK / f"{mode}.{name}.txt"
    # The library as it is in the interpreter has no source to be updated from.
    command = [sys.executable, "-X", "frozen_modules=off", "-X", "faulthandler", __file__, "file", mode, name]
    with tempfile.TemporaryDirectory(prefix="rebottle-identity-") as folder, log.open("w") as output:
        try:
            done = subprocess.run(
                [*command, f"--runs={runs}"],
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=LIMIT + 30,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return {"crash": "it didn't end"}
    last = log.read_text(errors="replace").rstrip().rpartition("\n")[2]
    if done.returncode in (0, 1) and last.startswith("{"):
        result: dict[str, Any] = json.loads(last)
        return result
    return {"crash": f"exit status {done.returncode}: {last[:120]}"}


def judge(mode: str, name: str) -> tuple[str, bool]:
    """Run a file under updates, and without where it fails: what came of it, and whether that is well."""
    outcome = file_in_process(mode, name)
    if "crash" in outcome:
        return f"{name}: {outcome['crash']} (see build/identity/{mode}.{name}.txt)", False
    text = f"{name}: {outcome['runs']} runs, {outcome['updates']} updates of {outcome['modules']} modules"
    failed = outcome["failed"]
    if failed:
        without = file_in_process("none", name, outcome["runs"])
        failed = [test for test in failed if test not in without.get("failed", [])]
    modules = exceptions(mode, name, "modules")
    broken = [f"{module}: {why}" for module, why in outcome["broken"].items() if module not in modules]
    return text + "".join(f"; FAILED {each}" for each in [*failed, *broken]), not failed and not broken


def run_cpython(modes: list[str], only: list[str], jobs: int) -> bool:
    """All files in all modes."""
    WORK.mkdir(parents=True, exist_ok=True)
    names = only or LIST["cpython"]["files"]
    well = True
    for mode in modes:
        start = time.monotonic()
        print(f"== {len(names)} files of CPython's test suite, {mode}", flush=True)
        good = 0
        with ThreadPoolExecutor(jobs) as pool:
            for text, fine in pool.map(partial(judge, mode), names):
                good += fine
                print(f"{'ok  ' if fine else 'BAD '} {text}", flush=True)
        print(f"== {mode}: {good} of {len(names)} files pass as without updates, {time.monotonic() - start:.0f} s")
        well = well and good == len(names)
    return well


# --- packages ---------------------------------------------------------------------------------------------------------


def fetch(package: dict[str, Any]) -> Path:
    """Unpack the source distribution of a package; its folder."""
    sources = WORK / "packages"
    wanted = f"{package['name']}=={package['version']}"
    folder = sources / wanted
    if not folder.exists():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
        with tempfile.TemporaryDirectory() as download:
            options = ["--no-deps", "--no-binary", ":all:", "--dest", download]
            subprocess.run([*pip, "download", *options, wanted], check=True)
            [archive] = Path(download).glob("*.tar.gz")
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
    [inner] = folder.iterdir()
    return inner


def run_pytest(package: dict[str, Any], folder: Path, mode: str) -> tuple[int, list[str], str]:
    """Run a package's suite: exit status, the tests that fail, pytest's last lines."""
    log = WORK / f"{mode}.{package['name']}.txt"
    env = environment()
    env["PYTHONPATH"] = os.pathsep.join([str(folder / "src"), str(folder), env["PYTHONPATH"]])
    options = [] if mode == "none" else [f"--rebottle-identity={mode}", f"--rebottle-interval={INTERVAL}"]
    options += ["-p", "pytest_rebottle", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder)]
    options += [f"--deselect={test}" for test in exceptions(mode, package["name"], "tests")]
    command = [sys.executable, "-X", "frozen_modules=off", "-X", "faulthandler", "-m", "pytest", "-q", "-rfE"]
    with log.open("w") as output:
        try:
            status = subprocess.run(
                [*command, *options, *package.get("options", []), "tests"],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=PACKAGE_LIMIT,
                start_new_session=True,
            ).returncode
        except subprocess.TimeoutExpired:
            return -1, [], "it didn't end"
    lines = log.read_text(errors="replace").splitlines()
    failed = [line.split()[1] for line in lines if line.startswith(("FAILED ", "ERROR "))]
    told = [line for line in lines if " updates of " in line or " passed" in line or ": UpdateError" in line]
    return status, failed, "; ".join(told[-4:])


def run_packages(modes: list[str], only: list[str]) -> bool:
    """The suites of all packages in all modes."""
    WORK.mkdir(parents=True, exist_ok=True)
    well = True
    for package in LIST["package"]:
        name = package["name"]
        if only and name not in only:
            continue
        folder = fetch(package)
        _, without, text = run_pytest(package, folder, "none")
        print(f"     {name} {package['version']}, without updates: {text}", flush=True)
        for mode in modes:
            status, failed, text = run_pytest(package, folder, mode)
            new = [test for test in failed if test not in without]
            fine = status in (0, 1) and not new and "Error:" not in text and " updates of " in text
            well = well and fine
            told = "".join(f"; FAILED {test}" for test in new)
            print(f"{'ok  ' if fine else 'BAD '} {name}, {mode}: exit status {status}; {text}{told}", flush=True)
    return well


def main() -> int:
    """Exit status 1 if something fails under updates that passes without."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("cpython", "packages"):
        sub = commands.add_parser(command)
        sub.add_argument("modes", nargs="*", choices=[[], *MODES], default=[], metavar="MODE")
        sub.add_argument("--only", nargs="+", default=[])
        sub.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    one = commands.add_parser("file")
    one.add_argument("mode", choices=("none", *MODES))
    one.add_argument("name")
    one.add_argument("--runs", type=int, default=0)
    options = parser.parse_args()
    if options.command == "file":
        return run_file(options.mode, options.name, options.runs)
    modes = options.modes or list(MODES)
    if options.command == "cpython":
        return 0 if run_cpython(modes, options.only, options.jobs) else 1
    return 0 if run_packages(modes, options.only) else 1


if __name__ == "__main__":
    sys.exit(main())
