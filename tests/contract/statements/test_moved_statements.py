"""Statements that change their place or the block around them."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import rebottle

Start = Callable[[str], tuple[ModuleType, Callable[..., rebottle.Report]]]


def test_a_string_that_isnt_first_any_more_is_no_docstring(ab: Start) -> None:
    m, update = ab('"""A module."""\nx = 1\n')
    report = update('import os\n"""A module."""\nx = 1\n')
    assert m.__doc__ is None
    report.rollback()
    assert m.__doc__ == "A module."


def test_a_string_that_becomes_first_is_the_docstring(ab: Start) -> None:
    m, update = ab('import os\n"""A module."""\nx = 1\n')
    update('"""A module."""\nx = 1\n')
    assert m.__doc__ == "A module."


def test_a_function_in_a_block_takes_new_defaults_and_annotations(ab: Start) -> None:
    source = "if True:\n    def f(a=1): return a\n    def g(b=[]): return b\n"
    m, update = ab(source)
    held, kept = m.f, m.g()
    report = update(source.replace("a=1", "a: int = 2"))
    assert held() == m.f() == 2
    assert held.__annotations__ == {"a": int}
    assert m.g() is kept
    assert f"{m.__name__}.f" in {change.where for change in report.changes}
    report.rollback()
    assert held() == 1
    assert held.__annotations__ == {}


def test_a_function_that_moves_between_blocks_stays_the_same_object(ab: Start) -> None:
    m, update = ab(
        "LIMIT = 3\ndef f(x): return x\nif LIMIT > 4:\n    def g(x): return x\nelse:\n    def g(x): return -x\n"
    )
    f, g = m.f, m.g
    update(
        "LIMIT = 3\nif True:\n    def f(x): return x + 1\n"
        "if LIMIT > 2:\n    def g(x): return x\nelse:\n    def g(x): return -x\n"
    )
    assert m.f is f
    assert m.g is g
    assert (f(1), g(1)) == (2, 1)


def test_of_equal_definitions_the_last_one_is_the_one_in_use(ab: Start) -> None:
    source = "def f(): return 1\n"
    m, update = ab("x = 1\n" + source)
    f = m.f
    update("x = 1\n" + source + "\n" + source)
    assert m.f is f
    assert f.__code__.co_firstlineno == 4
