"""Section 5: the policy per call, per module, per name, and the two names in the source that override it."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import AB, Program


def test_a_dict_chooses_per_name(ab: AB) -> None:
    m, update = ab("A = 1\nB = 1\nC = 1\n")
    name = m.__name__
    update("A = 2\nB = 2\nC = 2\n", policy={name: "replace", f"{name}.B": "keep"})
    assert (m.A, m.B, m.C) == (2, 1, 2)


def test_what_the_dict_does_not_name_keeps_the_default(program: Program) -> None:
    one, two = program.load(one="X = 1\n", two="X = 1\n")
    program.update({"one": "X = 2\n", "two": "X = 2\n"}, policy={one.__name__: "replace"})
    assert (one.X, two.X) == (2, 1)


def test_a_dict_chooses_a_class_attribute(ab: AB) -> None:
    m, update = ab("class C:\n    x = 1\n    y = 1\n")
    update("class C:\n    x = 2\n    y = 2\n", policy={f"{m.__name__}.C.x": "replace"})
    assert (m.C.x, m.C.y) == (2, 1)


def test_one_name_by_merge_among_replaced_ones(ab: AB) -> None:
    m, update = ab("A = {'a': 1}\nB = {'a': 1}\n")
    m.A["live"] = m.B["live"] = 9
    update("A = {'a': 2}\nB = {'a': 2}\n", policy={m.__name__: "replace", f"{m.__name__}.A": "merge"})
    assert m.A == {"a": 2, "live": 9}
    assert m.B == {"a": 2}


def test_reload_data_replaces_the_named(ab: AB) -> None:
    m, update = ab("_reload_data = {'T'}\nT = {'a': 1}\nU = {'a': 1}\n")
    table = m.T
    table["live"] = 9
    update("_reload_data = {'T'}\nT = {'a': 2}\nU = {'a': 2}\n")
    assert m.T is table
    assert table == {"a": 2}
    assert m.U == {"a": 1}


def test_reload_data_that_is_new_counts_at_once(ab: AB) -> None:
    m, update = ab("X = 1\n")
    update("_reload_data = {'X'}\nX = 2\n")
    assert m.X == 2


def test_reload_data_overrides_the_policy(ab: AB) -> None:
    m, update = ab("_reload_data = {'X'}\nX = 1\nY = 1\n")
    m.X = 7
    update("_reload_data = {'X'}\nX = 2\nY = 2\n", policy={f"{m.__name__}.X": "keep"})
    assert (m.X, m.Y) == (2, 1)


def test_named_data_is_evaluated_again_in_every_update_of_a_changed_module(ab: AB) -> None:
    text = "_reload_data = {'NOW'}\nfrom itertools import count\nNUM = count()\nNOW = next(NUM)\ndef f(): return 1\n"
    m, update = ab(text)
    report = update(text.replace("return 1", "return 2"), undo=False)
    assert m.NOW == 1
    assert any(change.where.endswith(".NOW") for change in report.changes)
    update(text.replace("return 1", "return 3"), undo=False)
    assert m.NOW == 2


def test_named_data_of_an_unchanged_module_is_not_evaluated(program: Program) -> None:
    text = "_reload_data = {'NOW'}\nfrom itertools import count\nNUM = count()\nNOW = next(NUM)\n"
    one, two = program.load(one=text, two="X = 1\n")
    program.update({"one": text, "two": "X = 1\nY = 2\n"})
    assert one.NOW == 0
    assert two.Y == 2


def test_reload_data_in_a_class(ab: AB) -> None:
    m, update = ab("class C:\n    _reload_data = {'x'}\n    x = 1\n    y = 1\nx = 1\n")
    living = m.C()
    update("class C:\n    _reload_data = {'x'}\n    x = 2\n    y = 2\nx = 2\n")
    assert (living.x, living.y, m.x) == (2, 1, 1)


def test_reload_all_data_of_a_module_includes_its_classes(ab: AB) -> None:
    text = "_reload_all_data = True\nA = 1\nT = [1]\nclass C:\n    x = 1\n    class D:\n        y = 1\n"
    m, update = ab(text)
    table = m.T
    update(text.replace("= 1", "= 2").replace("[1]", "[2]"))
    assert (m.A, m.C.x, m.C.D.y) == (2, 2, 2)
    assert m.T is table
    assert table == [2]


def test_reload_all_data_of_a_class_is_for_that_class(ab: AB) -> None:
    text = "A = 1\nclass C:\n    _reload_all_data = True\n    x = 1\n    y = 1\nclass D:\n    x = 1\n"
    m, update = ab(text)
    update(text.replace("= 1", "= 2"))
    assert (m.A, m.C.x, m.C.y, m.D.x) == (1, 2, 2, 1)


def test_reload_all_data_evaluates_unchanged_lines_again(ab: AB) -> None:
    text = "_reload_all_data = True\nT = {'a': 1}\ndef f(): return 1\n"
    m, update = ab(text)
    table = m.T
    table["live"] = 9
    update(text.replace("return 1", "return 2"))
    assert m.T is table
    assert table == {"a": 1}


@pytest.mark.parametrize("literal", ["['T']", "('T',)", "{'T': 1}", "frozenset({'T'})"])
def test_any_collection_of_names_will_do(ab: AB, literal: str) -> None:
    m, update = ab("T = 1\n")
    update(f"_reload_data = {literal}\nT = 2\n")
    assert m.T == 2


def test_a_name_that_does_not_exist_is_no_error(ab: AB) -> None:
    m, update = ab("_reload_data = {'nowhere'}\nT = 1\ndef f(): return 1\n")
    update("_reload_data = {'nowhere'}\nT = 1\ndef f(): return 2\n")
    assert m.f() == 2


def test_a_change_of_a_comment_evaluates_nothing(ab: AB) -> None:
    m, update = ab("RUNS = []\ndef f():\n    RUNS.append(1)\n    return 5\nX = f()\n")
    update("RUNS = []\ndef f():\n    RUNS.append(1)\n    return 5\n# a remark\nX = f()\n", policy="replace")
    assert m.RUNS == [1]
