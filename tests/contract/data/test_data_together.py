"""Section 5: names that several statements make together, and names for the time of an import only."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.api.scenario import AB, Program, named

CHAINS = [
    ("N = 1\nN += 4\n", "N = 1\nN += 5\n", 6),
    ("N = ['a']\nN += ['b']\n", "N = ['c']\nN += ['b']\n", ["c", "b"]),
    ("N = ['a']\nN += ['b']\n", "N = ['a']\n", ["a"]),
    ("N = ['a']\n", "N = ['c']\nN += ['b']\n", ["c", "b"]),
    ("N = {'x': 1}\nN |= {'y': 2}\n", "N = {'x': 1}\nN |= {'z': 3}\n", {"x": 1, "z": 3}),
    ("N = ('a',)\nN += ('b',)\n", "N = ('a',)\nN += ('b', 'c')\nN += ('d',)\n", ("a", "b", "c", "d")),
]


@pytest.mark.parametrize("policy", ["merge", "replace"])
@pytest.mark.parametrize(("old", "new", "result"), CHAINS)
def test_an_assignment_and_its_augmentations_count_together(
    program: Program, old: str, new: str, result: Any, policy: str
) -> None:
    m, app = program.load(m=old, app="from @m@ import N\n")
    held = m.N
    program.update({"m": new}, policy=policy)
    assert m.N == app.N == result
    assert m.N is held or not isinstance(held, (dict, list))


def in_class(text: str, name: str, around: str = "") -> str:
    """The statements in the body of a class, with another name."""
    lines = text.replace("N", name).splitlines()
    depth = "    " * (around.count("class") + 1)
    return around + depth[4:] + "class K:\n" + "".join(f"{depth}{line}\n" for line in lines)


@pytest.mark.parametrize("policy", ["merge", "replace"])
@pytest.mark.parametrize(("old", "new", "result"), CHAINS)
@pytest.mark.parametrize("around", ["", "class Outer:\n"])
def test_they_count_together_in_a_class_as_well(
    ab: AB, old: str, new: str, result: Any, policy: str, around: str
) -> None:
    m, update = ab(in_class(old, "__N", around))
    kind = m.Outer.K if around else m.K
    held = kind._K__N
    update(in_class(new, "__N", around), policy=policy)
    assert result == kind._K__N
    assert kind._K__N is held or not isinstance(held, (dict, list))


def test_an_edited_augmentation_in_a_class_is_kept_under_keep(ab: AB) -> None:
    m, update = ab("class K:\n    N = 1\n    N += 4\n")
    report = update("class K:\n    N = 1\n    N += 5\n")
    assert m.K.N == 5
    assert named(report.kept, "N", "keeps")


def test_an_edited_augmentation_is_kept_under_keep(ab: AB) -> None:
    m, update = ab("N = 1\nN += 4\n")
    report = update("N = 1\nN += 5\n")
    assert m.N == 5
    assert named(report.kept, "N", "keeps")


def test_what_was_touched_stays(ab: AB) -> None:
    m, update = ab("N = ['a']\nN += ['b']\n")
    m.N.append("live")
    report = update("N = ['a']\nN += ['c']\n", policy="merge")
    assert m.N == ["a", "b", "live"]
    assert named(report.kept, "N", "run time")


def test_all_follows_as_a_whole(ab: AB) -> None:
    m, update = ab("a = b = 1\n__all__ = ['a']\n__all__ += ['b']\n")
    update("a = b = 1\n__all__ = ['a']\n__all__ += ['a', 'b']\n")
    assert m.__all__ == ["a", "a", "b"]


SCRATCH = """
    tmp = 5
    VALUE = tmp * 2
    del tmp
    for _n in range(3):
        LAST = _n
    del _n
    class C:
        _t = 1
        x = _t + 1
        del _t
"""


@pytest.mark.parametrize(("policy", "value"), [("keep", 10), ("merge", 12), ("replace", 12)])
def test_what_the_source_deletes_again_does_not_appear(program: Program, policy: str, value: int) -> None:
    [m] = program.load(m=SCRATCH)
    new = SCRATCH.replace("tmp = 5", "tmp = 6").replace("range(3)", "range(4)").replace("_t = 1", "_t = 2")
    program.update({"m": new}, policy=policy)
    assert not {"tmp", "_n"} & vars(m).keys()
    assert not hasattr(m.C, "_t")
    assert (m.VALUE, m.C.x) == (value, 2 if policy == "keep" else 3)
