"""Identity updates: modules are updated by themselves while the program runs; nothing may come of it."""

from __future__ import annotations

import sys
import threading
import types
from collections import Counter

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    _Mode = Literal["functions", "classes", "rollback"]

MODES = ("functions", "classes", "rollback")


class IdentityUpdates:
    """A thread that updates the loaded modules, one after the other, each by its own unchanged source.

    ``mode``: ``functions`` and ``classes`` force these to be taken over again; ``rollback`` forces functions and takes
    each update back at once. ``interval``: seconds between two updates. As a context manager it runs in the block.
    """

    def __init__(self, mode: _Mode = "functions", interval: float = 0.005) -> None:
        self._mode = mode
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rebottle-identity", daemon=True)
        self._seen: set[str] = set()
        self.updates = 0
        self.modules: set[str] = set()
        self.refused: Counter[str] = Counter()
        self.failed: dict[str, str] = {}

    def __enter__(self) -> IdentityUpdates:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def covered(self) -> bool:
        """Whether every module that is loaded by now was updated at least once, or refused."""
        return self._seen.issuperset(self._names())

    def summary(self) -> str:
        """What was done, in a line; and a line for each module that failed."""
        refused = ", ".join(f"{count} x {rule}" for rule, count in self.refused.most_common())
        lines = [f"{self.updates} updates of {len(self.modules)} modules ({self._mode})" + (refused and f", {refused}")]
        return "\n".join([*lines, *(f"{name}: {text}" for name, text in self.failed.items())])

    def _run(self) -> None:
        while not self._stop.is_set():
            for name in self._names() or [""]:
                if self._stop.wait(self._interval):
                    return
                if name:
                    self._update(name)

    @staticmethod
    def _names() -> list[str]:
        """The modules that have a Python source, the youngest first: tests are younger than what they test."""
        return [
            name
            for name, module in reversed(list(sys.modules.items()))
            if type(module) is types.ModuleType
            and name.partition(".")[0] not in ("rebottle", "pytest_rebottle")
            and str(getattr(module, "__file__", "")).endswith(".py")
        ]

    def _update(self, name: str) -> None:
        try:
            report = _native.reload([name], force="classes" if self._mode == "classes" else "functions")
            if self._mode == "rollback" and report.changes:
                report.rollback()
        except _native.RefusedError as error:
            self.refused.update(f"{refusal.rule} {refusal.where}" for refusal in error.refusals)
        except _native.UnknownModuleError:
            pass  # the program took it away meanwhile
        except Exception as error:
            self.failed.setdefault(name, f"{type(error).__name__}: {error}")
        else:
            self.updates += 1
            self.modules.add(name)
        self._seen.add(name)
