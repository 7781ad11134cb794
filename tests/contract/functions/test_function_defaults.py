"""Contract 3: defaults are evaluated again only when their expressions changed; sentinels stay identical."""

from __future__ import annotations

from typing import Any

import pytest

A = """
    runs = []
    def make(x):
        runs.append(x)
        return [x]
    def f(a=make(1), *, b=make(2)): return "old", a, b
"""


def test_unchanged_defaults_are_not_evaluated_and_stay_the_same_objects(ab: Any) -> None:
    m, update = ab(A)
    a, b = m.f.__defaults__[0], m.f.__kwdefaults__["b"]
    update(A.replace('"old"', '"new"'))
    assert m.runs == [1, 2]
    assert m.f()[0] == "new"
    assert m.f()[1] is a
    assert m.f()[2] is b


def test_only_the_default_whose_expression_changed_is_evaluated(ab: Any) -> None:
    m, update = ab(A)
    held, a = m.f, m.f.__defaults__[0]
    report = update(A.replace("b=make(2)", "b=make(20)"))
    assert m.runs == [1, 2, 20]
    assert held.__defaults__[0] is a
    assert held() == ("old", [1], [20])
    report.rollback()
    assert held() == ("old", [1], [2])
    assert m.runs == [1, 2]


def test_a_new_parameter_with_a_default_leaves_the_other_defaults_as_they_are(ab: Any) -> None:
    m, update = ab(A)
    held, a = m.f, m.f.__defaults__[0]
    update(A.replace("a=make(1), *", "new=make(3), a=make(1), *").replace('"old", a', '"old", new, a'))
    assert m.runs == [1, 2, 3]
    assert held() == ("old", [3], [1], [2])
    assert held()[2] is a


def test_a_default_that_the_program_filled_stays_while_its_expression_is_unchanged(ab: Any) -> None:
    a = "def f(x, seen=[]):\n    seen.append(x)\n    return 'old', seen\n"
    m, update = ab(a)
    m.f(1)
    update(a.replace("'old'", "'new'"), undo=False)
    assert m.f(2) == ("new", [1, 2])


SENTINEL = """
    MISSING = object()
    class Unset: pass
    UNSET = Unset()
    def f(x=MISSING, y=UNSET): return x is MISSING, y is UNSET
    class C:
        def m(self, x=MISSING, *, y=UNSET): return x is MISSING, y is UNSET
"""
EDITS = {
    "a body": ("return x is MISSING, y is UNSET", "return x is MISSING, y is UNSET, 'new'"),
    "one more default": ("y=UNSET)", "y=UNSET, z=1)"),
    "an annotation": ("x=MISSING", "x: object = MISSING"),
    "the same sentinel for another parameter": ("y=UNSET)", "y=UNSET, z=MISSING)"),
    "a method of the sentinel's class": (
        "class Unset: pass",
        "class Unset:\n        def __repr__(self): return 'unset'",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_sentinel_default_stays_identical_with_the_module_s(ab: Any, edit: str) -> None:
    m, update = ab(SENTINEL)
    missing, unset, it = m.MISSING, m.UNSET, m.C()
    update(SENTINEL.replace(*EDITS[edit]))
    assert m.MISSING is missing
    assert m.UNSET is unset
    assert m.f()[:2] == it.m()[:2] == (True, True)
    assert m.f.__defaults__[0] is missing


def test_a_sentinel_imported_from_another_module_stays_identical(program: Any) -> None:
    lib, m = program.load(
        lib="MISSING = object()\nx = 1\n", m="from @lib@ import MISSING\ndef f(x=MISSING): return x\n"
    )
    program.update(
        {
            "m": "from @lib@ import MISSING\ndef f(x=MISSING, y=MISSING): return x, y\n",
            "lib": "MISSING = object()\nx = 2\n",
        }
    )
    assert m.f() == (lib.MISSING, lib.MISSING)


def test_a_default_that_names_a_function_or_class_of_the_module_means_the_live_one(ab: Any) -> None:
    m, update = ab("def g(): return 'g'\nclass C: pass\ndef f(): return 1\n")
    g, cls = m.g, m.C
    update("def g(): return 'g2'\nclass C: x = 1\ndef f(fn=g, cls=C): return fn, cls\n")
    assert m.f() == (g, cls)
    assert m.f()[0]() == "g2"


def test_a_default_that_reads_a_new_constant_sees_it(ab: Any) -> None:
    m, update = ab("def f(x=1): return x\n")
    held = m.f
    update("LIMIT = 5\ndef f(x=LIMIT): return x\n")
    assert held() == 5


def test_a_default_that_fails_leaves_the_function_as_it_was(ab: Any) -> None:
    import rebottle

    m, update = ab("def f(x=1): return 'old', x\n")
    with pytest.raises(rebottle.ExecutionError):
        update("def f(x=1 / 0): return 'new', x\n")
    assert m.f() == ("old", 1)


def test_defaults_set_by_the_program_stay_while_the_source_s_are_unchanged(ab: Any) -> None:
    m, update = ab("def f(x=1): return 'old', x\n")
    m.f.__defaults__ = (9,)
    update("def f(x=1): return 'new', x\n")
    assert m.f() == ("new", 9)
