"""Contract 2.6: statements nested in top-level blocks count as part of their block."""

from __future__ import annotations

from typing import Any

import pytest

BLOCKS = {
    "if": "if True:\n    log.append('block')\n    def f(): return 'old'\n",
    "else": "if not log:\n    pass\nif False:\n    pass\nelse:\n    log.append('block')\n    def f(): return 'old'\n",
    "try": "try:\n    log.append('block')\n    def f(): return 'old'\nexcept ImportError:\n    f = None\n",
    "except": "try:\n    int('x')\nexcept ValueError:\n    log.append('block')\n    def f(): return 'old'\n",
    "finally": "try:\n    pass\nfinally:\n    log.append('block')\n    def f(): return 'old'\n",
    "with": "import contextlib\nwith contextlib.nullcontext():\n    log.append('block')\n    def f(): return 'old'\n",
    "for": "for _ in range(1):\n    log.append('block')\n    def f(): return 'old'\n",
    "while": "while True:\n    log.append('block')\n    def f(): return 'old'\n    break\n",
    "match": "match 1:\n    case 1:\n        log.append('block')\n        def f(): return 'old'\n",
    "nested": "if True:\n    for _ in '1':\n        log.append('block')\n        def f(): return 'old'\n",
}


@pytest.mark.parametrize("kind", BLOCKS)
def test_functions_in_a_block_are_updated_and_the_block_is_not_run(ab: Any, kind: str) -> None:
    a = "log = []\n" + BLOCKS[kind]
    m, update = ab(a)
    held = m.f
    report = update(a.replace("'old'", "'new'"))
    assert m.f is held
    assert held() == "new"
    assert m.log == ["block"]
    report.rollback()
    assert held() == "old"


@pytest.mark.parametrize("kind", BLOCKS)
def test_any_other_changed_block_is_run_as_a_whole(ab: Any, kind: str) -> None:
    a = "log = []\n" + BLOCKS[kind]
    m, update = ab(a)
    held = m.f
    report = update(a.replace("'old'", "'new'").replace("log.append('block')", "log.append('more')"))
    assert m.log == ["block", "more"]
    assert m.f is held
    assert held() == "new"
    report.rollback()
    assert m.f is held
    assert held() == "old"


def test_a_changed_block_runs_its_unchanged_statements_again_too(ab: Any) -> None:
    m, update = ab("log = []\nif True:\n    log.append('a')\n    log.append('b')\n")
    update("log = []\nif True:\n    log.append('a')\n    log.append('c')\n")
    assert m.log == ["a", "b", "a", "c"]


def test_an_unchanged_block_beside_a_changed_one_is_not_run(ab: Any) -> None:
    a = "log = []\nif True:\n    log.append('a')\nif True:\n    log.append('b')\n"
    m, update = ab(a)
    update(a.replace("'b'", "'c'"))
    assert m.log == ["a", "b", "c"]


def test_methods_of_a_class_in_a_block_are_updated(ab: Any) -> None:
    a = "log = []\nif True:\n    log.append(1)\n    class C:\n        def m(self): return 'old'\n"
    m, update = ab(a)
    it, cls = m.C(), m.C
    report = update(a.replace("'old'", "'new'"))
    assert m.C is cls
    assert it.m() == "new"
    assert m.log == [1]
    report.rollback()
    assert it.m() == "old"


def test_a_class_in_a_block_that_is_run_stays_the_same_class(ab: Any) -> None:
    a = "if True:\n    x = 1\n    class C:\n        def m(self): return 'old'\n"
    m, update = ab(a)
    it, cls = m.C(), m.C
    update(a.replace("'old'", "'new'").replace("x = 1", "y = 1"))
    assert m.C is cls
    assert isinstance(it, m.C)
    assert it.m() == "new"
    assert m.y == 1


def test_a_function_defined_in_both_branches_is_the_one_of_the_branch_taken(ab: Any) -> None:
    a = "import sys\nif sys.platform == 'nowhere':\n    def f(): return 'there'\nelse:\n    def f(): return 'here'\n"
    m, update = ab(a)
    held = m.f
    update(a.replace("'there'", "'there 2'"))
    assert held() == m.f() == "here"
    update(a.replace("'there'", "'there 2'").replace("'here'", "'here 2'"))
    assert m.f is held
    assert held() == "here 2"


def test_a_function_that_moves_into_a_block_stays_the_same_object(ab: Any) -> None:
    m, update = ab("def f(): return 'old'\n")
    held = m.f
    report = update("if True:\n    def f(): return 'new'\n")
    assert m.f is held
    assert held() == "new"
    report.rollback()
    assert m.f is held
    assert held() == "old"


def test_cache_kept_by_try_except_name_error_is_kept(ab: Any) -> None:
    a = "try:\n    cache\nexcept NameError:\n    cache = {}\n"
    m, update = ab(a)
    cache = m.cache
    cache["k"] = 1
    update(a.replace("cache = {}", "cache = {'fresh': True}"))
    assert m.cache is cache
    assert cache == {"k": 1}


def test_a_type_checking_block_runs_nothing(ab: Any) -> None:
    a = "from typing import TYPE_CHECKING\nlog = []\nif TYPE_CHECKING:\n    log.append('never')\n"
    m, update = ab(a)
    update(a.replace("'never'", "'never again'"))
    assert m.log == []
