"""Section 5: under ``keep``, the default of ``reload()``, the live value stays and a new name appears."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import AB, Program, named

VALUES = [("1", "2"), ("'a'", "'b'"), ("(1,)", "(2,)"), ("[1]", "[2]"), ("{'a': 1}", "{'a': 2}"), ("{1}", "{2}")]


@pytest.mark.parametrize(("old", "new"), VALUES)
def test_an_edited_value_stays_and_is_listed(ab: AB, old: str, new: str) -> None:
    m, update = ab(f"X = {old}\n")
    held = m.X
    report = update(f"X = {new}\n")
    assert m.X is held
    assert held == eval(old)
    assert named(report.kept, "X")


@pytest.mark.parametrize(("old", "new"), VALUES)
def test_an_edited_class_attribute_stays_and_is_listed(ab: AB, old: str, new: str) -> None:
    m, update = ab(f"class C:\n    X = {old}\n")
    held = m.C.X
    report = update(f"class C:\n    X = {new}\n")
    assert m.C.X is held
    assert held == eval(old)
    assert any(kept.where == f"{m.__name__}.C.X" for kept in report.kept)


def test_a_new_name_appears(ab: AB) -> None:
    m, update = ab("X = 1\nclass C: pass\n")
    living = m.C()
    update("X = 1\nY = {'new': X}\nclass C:\n    z = [3]\n")
    assert m.Y == {"new": 1}
    assert living.z == [3]


def test_what_the_program_changed_stays(ab: AB) -> None:
    m, update = ab("STATE = {'level': 1}\ndef f(): return 1\n")
    m.STATE["level"] = 42
    update("STATE = {'level': 2, 'new': 3}\ndef f(): return 2\n")
    assert m.STATE == {"level": 42}
    assert m.f() == 2


def test_an_edited_assignment_is_not_run(ab: AB) -> None:
    head = "RUNS = []\ndef make(n):\n    RUNS.append(n)\n    return n\n"
    m, update = ab(head + "X = make(1)\n")
    update(head + "X = make(2)\n")
    assert (m.X, m.RUNS) == (1, [1])


def test_the_reason_is_given(ab: AB) -> None:
    m, update = ab("X = 1\n")
    [kept] = update("X = 2\n").kept
    assert kept.where == f"{m.__name__}.X"
    assert "keep" in kept.why


def test_an_unchanged_value_is_not_listed(ab: AB) -> None:
    _, update = ab("X = 1\ndef f(): return 1\n")
    assert list(update("X = 1\ndef f(): return 2\n").kept) == []


def test_the_same_value_written_otherwise_is_the_same(ab: AB) -> None:
    m, update = ab("X = 10\n")
    report = update("X = 0xA  # the same\n")
    assert m.X == 10
    assert list(report.kept) == []


def test_tuple_targets_and_chains_stay(ab: AB) -> None:
    m, update = ab("A, (B, *C) = 1, (2, 3)\nD = E = 4\n")
    update("A, (B, *C) = 5, (6, 7)\nD = E = 8\n")
    assert (m.A, m.B, m.C, m.D, m.E) == (1, 2, [3], 4, 4)


def test_a_new_name_in_an_old_chain_appears(ab: AB) -> None:
    m, update = ab("D = 4\n")
    update("D = E = 4\n")
    assert (m.D, m.E) == (4, 4)


def test_a_name_gone_stays_by_default(ab: AB) -> None:
    m, update = ab("X = 1\nY = 1\nclass C:\n    z = 1\n")
    update("Y = 1\nclass C: pass\n")
    assert (m.X, m.C.z) == (1, 1)


def test_a_name_gone_is_removed_under_prune(ab: AB) -> None:
    m, update = ab("X = 1\nY = 1\nclass C:\n    z = 1\n")
    update("Y = 1\nclass C: pass\n", prune=True)
    assert not hasattr(m, "X")
    assert not hasattr(m.C, "z")


def test_a_name_that_the_program_added_is_never_pruned(ab: AB) -> None:
    m, update = ab("X = 1\ndef f(): return 1\n")
    m.mine = "program"
    update("X = 1\n", prune=True)
    assert m.mine == "program"


def test_the_copy_in_another_module_stays_too(program: Program) -> None:
    conf, app = program.load(conf="LIMIT = 10\n", app="from @conf@ import LIMIT\n")
    program.update({"conf": "LIMIT = 20\n"})
    assert (conf.LIMIT, app.LIMIT) == (10, 10)


def test_a_name_the_program_deleted_is_not_an_error(ab: AB) -> None:
    m, update = ab("X = 1\ndef f(): return 1\n")
    del m.X
    update("X = 1\ndef f(): return 2\n")
    assert m.f() == 2
    assert not hasattr(m, "X")


def test_a_computed_value_stays(ab: AB) -> None:
    m, update = ab("import re\nX = re.compile('a')\n")
    held = m.X
    report = update("import re\nX = re.compile('b')\n")
    assert m.X is held
    assert named(report.kept, "X")


def test_an_augmented_assignment_that_is_new_is_run_once(ab: AB) -> None:
    m, update = ab("X = [1]\n")
    held = m.X
    update("X = [1]\nX += [2]\n")
    assert m.X is held
    assert held == [1, 2]


def test_try_except_name_error_keeps_the_cache(ab: AB) -> None:
    text = "try:\n    cache\nexcept NameError:\n    cache = {}\n"
    m, update = ab(text)
    held = m.cache
    held["k"] = 1
    update("import os\n" + text)
    assert m.cache is held


@pytest.mark.parametrize("policy", ["keep", "merge", "replace"])
def test_an_edited_name_error_idiom_keeps_the_cache(ab: AB, policy: str) -> None:
    m, update = ab("try:\n    cache\nexcept NameError:\n    cache = {}\n")
    held = m.cache
    held["k"] = 1
    update("try:\n    cache\nexcept NameError:\n    cache = dict()\n", policy=policy)
    assert m.cache is held
    assert held == {"k": 1}
