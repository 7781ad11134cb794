"""Section 4: classes that are made from the fields of others follow them, in other modules too."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import Program, named

DATA = "from dataclasses import dataclass, field\n"
FIRST = DATA + "@dataclass{0}\nclass First:\n    x: int = 1\n    y: int = 2\n"
SECOND = (
    DATA
    + """from @first@ import First
RUNS = []
@dataclass{0}
class Second(First):
    z: int = RUNS.append(1) or 3
"""
)
EDITS = {
    "added": ("y: int = 2", "y: int = 2\n    w: list = field(default_factory=list)", "x=1, y=2, w=[], z=3"),
    "removed": ("    y: int = 2\n", "", "x=1, z=3"),
    "renamed": ("y: int = 2", "w: int = 5", "x=1, w=5, z=3"),
}


@pytest.mark.parametrize("options", ["", "(slots=True)", "(frozen=True)", "(slots=True, frozen=True)"])
@pytest.mark.parametrize("edit", EDITS)
def test_a_dataclass_follows_the_fields_of_its_base(program: Program, options: str, edit: str) -> None:
    former, now, fields = EDITS[edit]
    first, second = program.load(first=FIRST.format(options), second=SECOND.format(options))
    one, held = [second.Second()], second.Second
    report = program.update({"first": FIRST.format(options).replace(former, now)})
    assert repr(one[0]) == repr(held()) == f"Second({fields})"
    assert one[0] == held()
    assert second.Second is held
    assert issubclass(held, first.First)
    assert named(report.changes, "Second")


def test_other_edits_of_the_base_make_nothing_again(program: Program) -> None:
    _, second = program.load(first=FIRST.format(""), second=SECOND.format(""))
    program.update({"first": FIRST.format("") + "    def both(self): return self.x + self.y\n"})
    assert second.RUNS == [1]
    assert second.Second().both() == 3


def test_heirs_behind_plain_classes_and_beside_edits_of_their_own(program: Program) -> None:
    text = SECOND.format("") + "class Plain(Second): pass\n@dataclass\nclass Third(Plain):\n    t: int = 4\n"
    _, second = program.load(first=FIRST.format(""), second=text)
    living = [second.Plain(), second.Third()]
    new = FIRST.format("").replace("y: int = 2", "y: int = 2\n    w: int = 9")
    program.update({"second": text.replace("t: int = 4", "t: int = 5"), "first": new})
    assert [repr(each) for each in living] == [
        "Plain(x=1, y=2, w=9, z=3)",
        "Third(x=1, y=2, w=9, z=3, t=4)",
    ]
    assert second.Third().t == 5


def test_a_typed_dict_follows_its_base(program: Program) -> None:
    text = "from typing import TypedDict\nclass One(TypedDict):\n    a: int\n"
    _, two = program.load(one=text, two="from @one@ import One\nclass Two(One, total=False):\n    b: str\n")
    held = two.Two
    program.update({"one": text + "    c: bytes\n"})
    assert two.Two is held
    assert held.__annotations__ == {"a": int, "b": str, "c": bytes}
    assert held.__required_keys__ == frozenset({"a", "c"})


def test_a_protocol_follows_its_base(program: Program) -> None:
    text = "from typing import Protocol, runtime_checkable\nclass One(Protocol):\n    def a(self): ...\n"
    two = "from @one@ import *\n@runtime_checkable\nclass Two(One, Protocol):\n    def b(self): ...\n"
    _, two, app = program.load(one=text, two=two, app="class C:\n    def a(self): ...\n    def b(self): ...\nc = C()\n")
    assert isinstance(app.c, two.Two)
    program.update({"one": text + "    def d(self): ...\n"})
    assert not isinstance(app.c, two.Two)
