"""usage: python -m tests.fuzz.explore_pairs FIRST LAST: seeds, each two modules that are edited together."""

from __future__ import annotations

import collections
import faulthandler
import importlib
import random
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType

import rebottle
from tests.fuzz.behaviour import Behaviour, behaviour, tried
from tests.fuzz.case import Finding
from tests.fuzz.explore import edits_told
from tests.fuzz.fresh import Fresh
from tests.fuzz.pairs import Pair, Texts


def different(now: Behaviour, expected: Behaviour) -> dict[str, tuple[str, str]]:
    """By way: what is, and what was to be."""
    ways = sorted(now.keys() | expected.keys())
    found = {way: (now.get(way, "nothing"), expected.get(way, "nothing")) for way in ways}
    return {": ".join(way): (a, b) for way, (a, b) in found.items() if a != b}


# What instances answer whenever they were made.
ANSWERS = ["{0}.m()", "{0}.p", "{0}.s()", "{0}.c()", "len({0})", "{0} == 77", "{0}()", "list({0})", "bool({0})"]


def made(cls: type) -> object:
    """An instance, where one can be made."""
    try:
        return cls()
    except Exception:
        return None


class Life:
    """A pair that runs, and is updated from version to version."""

    def __init__(self, seed: int, folder: Path, fresh: Fresh) -> None:
        self.names = (f"p{seed}_lib", f"p{seed}_app")
        self.pair = Pair(random.Random(seed), self.names)
        self.folder = folder
        self.fresh = fresh
        self.text = self.pair.texts

    def start(self) -> bool:
        """Whether its first version can be started."""
        if isinstance(self.fresh.behave(self.text, self.pair.uses()), str):
            return False
        self._write(self.text)
        self.modules = {name: importlib.import_module(name) for name in reversed(self.names)}
        self.held = {
            (name, key): instance if isinstance(value, type) and (instance := made(value)) is not None else value
            for name, module in self.modules.items()
            for key, value in vars(module).items()
            if getattr(value, "__module__", "") == name
        }
        return True

    def _write(self, texts: Texts) -> None:
        for name, text in texts.items():
            (self.folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()

    def _reload(self) -> rebottle.Report:
        return rebottle.reload(self.names, policy="replace", prune=True)

    def _behaviour(self) -> Behaviour:
        return behaviour(self.modules, self.pair.uses())

    def _holders(self, now: Behaviour) -> dict[str, tuple[str, str]]:
        """What was held from the start and answers otherwise than what is found by its name."""
        wrong = {}
        for (name, key), it in self.held.items():
            plain = isinstance(it, (type, FunctionType))
            if not isinstance(vars(self.modules[name]).get(key), FunctionType if plain else type):
                continue
            for answer in ["{0}()", "{0}(5)"] if plain else ANSWERS:
                expected = now.get((name, answer.format(key if plain else f"{key}()")))
                got = tried(answer.format("it"), {"it": it})
                if expected is not None and got != expected:
                    wrong[f"{name}: held {answer.format(key)}"] = (got, expected)
        return wrong

    def step(self) -> tuple[str, Finding | None]:
        """Edit, update, roll back, update again: how it ended, and what is wrong."""
        before = self._behaviour()
        self.former, self.text = self.text, self.pair.edit()
        expected = self.fresh.behave(self.text, self.pair.uses())
        for _ in range(5):
            if isinstance(expected, dict):
                break
            self.text = self.pair.reworded()
            expected = self.fresh.behave(self.text, self.pair.uses())
        self._write(self.text)
        try:
            report = self._reload()
            wrong = different(self._behaviour(), expected) if isinstance(expected, dict) else {}
            if wrong or not isinstance(expected, dict):
                return "updated", Finding("not as after a start", wrong) if wrong else None
            if wrong := self._holders(expected):
                return "updated", Finding("held", wrong)
            report.rollback()
            if wrong := different(self._behaviour(), before):
                return "updated", Finding("left by the rollback", wrong)
            self._write(self.former)
            self._reload()
            self._write(self.text)
            self._reload()
            wrong = different(self._behaviour(), expected)
            return "updated", Finding("again: not as after a start", wrong) if wrong else None
        except rebottle.RefusedError as error:
            return "refused " + error.refusals[0].rule, None
        except rebottle.UpdateError as error:
            starts = isinstance(expected, dict)
            return "failed", Finding("fails where a start works", str(error)) if starts else None

    def close(self) -> None:
        """Forget the program."""
        for name in self.names:
            sys.modules.pop(name, None)


def explore(seeds: Iterable[int]) -> tuple[collections.Counter[str], int]:
    """Run the seeds, each in modules of its own; how they ended, and how many findings were told."""
    ends: collections.Counter[str] = collections.Counter()
    findings = 0
    untold: list[str] = []
    former, sys.unraisablehook = sys.unraisablehook, lambda each: untold.append(repr(each.exc_value))
    with tempfile.TemporaryDirectory() as folder, Fresh() as fresh:
        sys.path.insert(0, folder)
        for seed in seeds:
            life = Life(seed, Path(folder), fresh)
            if not life.start():
                ends["not started"] += 1
                continue
            for _ in range(3):
                end, finding = life.step()
                ends[end] += 1
                if untold:
                    finding = Finding("told to sys.unraisablehook", untold.pop())
                if finding:
                    findings += 1
                    print(f"seed {seed}: {finding.what}: {finding.detail}", flush=True)
                    for name in life.names:
                        print("\n".join(edits_told(life.former[name], life.text[name])), flush=True)
                if finding or end != "updated":
                    break
            life.close()
        sys.path.remove(folder)
    sys.unraisablehook = former
    return ends, findings


if __name__ == "__main__":
    faulthandler.enable()
    sys.dont_write_bytecode = True
    start = time.monotonic()
    done, wrong = explore(range(int(sys.argv[1]), int(sys.argv[2])))
    print(f"{dict(done)}, {wrong} findings, {time.monotonic() - start:.0f} s")
    sys.exit(1 if wrong else 0)
