"""One program in one file, updated from version to version, and compared with a start from each of them."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from types import FunctionType
from typing import NamedTuple

import rebottle
from tests.fuzz.fresh import Fresh
from tests.fuzz.shape import differences, shape
from tests.graph import differences as changed
from tests.graph import digest


class Finding(NamedTuple):
    """What went wrong."""

    what: str
    detail: object


def disturbed_names(text: str) -> set[str]:
    """Names that other statements than definitions mention: what these did stays, and they aren't run again."""
    found: set[str] = set()
    waiting: list[ast.stmt] = list(ast.parse(text).body)
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.ClassDef):
            waiting += statement.body
        elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.Import | ast.ImportFrom):
            plain = isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Constant)
            found |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)} if not plain else set()
    return found


class Case:
    """A program that runs."""

    def __init__(self, folder: Path, name: str, text: str, fresh: Fresh) -> None:
        self.name = name
        self.file = folder / f"{name}.py"
        self.text = text
        self.fresh = fresh
        self._write(text)
        self.module = importlib.import_module(name)

    def _write(self, text: str) -> None:
        self.file.write_bytes(text.encode())
        importlib.invalidate_caches()

    def close(self) -> None:
        """Forget the program."""
        sys.modules.pop(self.name, None)

    def _bottles(self) -> dict[str, object]:
        """Functions and classes by name."""
        return {
            name: value
            for name, value in vars(self.module).items()
            if isinstance(value, FunctionType | type) and value.__module__ == self.name and value.__qualname__ == name
        }

    def step(self, new: str) -> tuple[str, list[Finding]]:
        """Update to ``new``, roll back, update again: how it ended, and what is wrong."""
        before = digest(self.module)
        held = self._bottles()
        self._write(new)
        try:
            report = self._reload()
        except rebottle.UpdateError as error:
            return self._failed(error, before, new)
        expected = self.fresh.start(self.name, str(self.file), new)
        replaced = any(each.why.startswith("class-replaced") for each in report.kept)
        if replaced:
            return "replaced", []
        findings = self._check(expected, report, new) + self._check_bottles(held)
        if not findings:
            findings = self._back_and_again(report, before, expected, new)
        self.text = new
        return "updated", findings

    def _reload(self) -> rebottle.Report:
        return rebottle.reload([self.name], policy="replace", prune=True)

    def _failed(self, error: rebottle.UpdateError, before: dict[str, object], new: str) -> tuple[str, list[Finding]]:
        found = changed(before, digest(self.module))
        findings = [Finding("a failed update changed something", found)] if found else []
        expected = self.fresh.start(self.name, str(self.file), new)
        self._write(self.text)
        if isinstance(error, rebottle.RefusedError):
            return "refused " + error.refusals[0].rule, findings
        if not isinstance(expected, str):
            findings.append(Finding("fails where a start works", str(error)))
        return "failed", findings

    def _back_and_again(
        self, report: rebottle.Report, before: dict[str, object], expected: object, new: str
    ) -> list[Finding]:
        report.rollback()
        found = changed(before, digest(self.module))
        if found and not any(change.kind == "class-layout" for change in report.changes):
            return [Finding("left by the rollback", found)]
        self._write(self.text)
        self._reload()
        self._write(new)
        return [Finding("again: " + what, detail) for what, detail in self._check(expected, self._reload(), new)]

    def _check(self, expected: object, report: rebottle.Report, new: str) -> list[Finding]:
        if not isinstance(expected, dict):
            return []  # a start fails where an update needn't: in a statement that didn't change
        places = [*(each.where for each in report.kept), *(each.where for each in report.stale)]
        told = [place.removeprefix(self.name + ".") for place in places]
        told += disturbed_names(self.text) | disturbed_names(new)
        wrong = {
            path: pair
            for path, pair in differences(shape(self.module), expected).items()
            if not self._is_told(path, told)
        }
        return [Finding("not as after a start", wrong)] if wrong else []

    @staticmethod
    def _is_told(path: str, told: list[str]) -> bool:
        path = path.rpartition(".__bases__")[0] or path
        return any(path == name or f".{name}" in path or path.startswith((name + ".", name + "[")) for name in told)

    def _check_bottles(self, held: dict[str, object]) -> list[Finding]:
        now = self._bottles()
        lost = [
            name
            for name, value in held.items()
            if name in now and type(now[name]) is type(value) and now[name] is not value
        ]
        return [Finding("another object", lost)] if lost else []
