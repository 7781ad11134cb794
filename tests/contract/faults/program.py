"""A program for failures at every step: what an update touches of each kind, and a driver's ways to make it fail."""

from __future__ import annotations

from typing import Any

import rebottle
from tests.conftest import World
from tests.contract.faults.no_memory import IMPORTER, NEW, OLD, OTHER
from tests.graph import differences, state


class Mixed:
    """The mixed program, loaded, with its new version at hand."""

    def __init__(self, world: World) -> None:
        names = {name: world.name(name) for name in ("m", "other", "importer", "fresh")}

        def renamed(text: str) -> str:
            text = text.replace("from m import", f"from {names['m']} import")
            for name in ("other", "fresh"):
                text = text.replace(f"import {name}\n", f"import {names[name]} as {name}\n")
            return text

        world.write(names["fresh"], "VALUE = 1\n")
        self.folder = str(world.root)
        self.other = world.load(names["other"], OTHER)
        self.path = world.write(names["m"], renamed(OLD))
        self.m = world.load(names["m"])
        self.importer = world.load(names["importer"], renamed(IMPORTER))
        self.new = world.text(renamed(NEW))
        self.name = names["m"]
        for _turn in range(2):
            self.update().rollback()

    def update(self) -> rebottle.Report:
        """The update to the new version."""
        return rebottle.reload([self.name], sources={self.name: self.new}, policy="replace")

    def state(self) -> dict[str, Any]:
        """What must be as it was after a failure."""
        own = {report.id for report in rebottle.history() if self.name in report.modules}
        found = state(self.m, self.other, self.importer)
        return found | {"history": [number for number in found["history"] if number in own]}

    def check(self, before: dict[str, object], when: object) -> None:
        """Nothing changed since ``before``."""
        found = differences(before, self.state())
        assert not found, (when, found[:9])

    def check_works(self, unchanged: dict[str, object], when: object) -> None:
        """The next update works, and can be taken back."""
        report = self.update()
        assert self.m.Player.fire(self.m.player) == 2, when
        assert self.other.REGISTRY == {"ready": "new"}, when
        report.rollback()
        self.check(unchanged, when)

    def owns(self, file: str) -> bool:
        """Whether code of this file is the program's."""
        return file.startswith(self.folder)
