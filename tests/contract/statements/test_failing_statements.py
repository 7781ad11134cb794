"""Contract 2.4 with 6.1: a statement that fails leaves everything as it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import rebottle

A = """
    import collections
    table = {"a": [1], "deep": {"k": {1}}}
    items = [3, 1]
    tags = {"x"}
    queue = collections.deque([1])
    number = 1
    class C:
        size = 1
        def m(self): return "old"
    it = C()
    it.hp = 1
    def f(x=1): return ("old", x)
    def grow(thing):
        thing.append(1)
        tags.add("grown")
"""
B = A.replace('"old"', '"new"').replace("x=1", "x=2")

DOES = {
    "nothing": "pass",
    "list append": "items.append(1); items.sort()",
    "list item": "items[0] = 5; del items[1]; items += [1, 2]",
    "dict item": "table['b'] = 1; del table['a']; table.update(c=3)",
    "nested": "table['a'].append(2); table['deep']['k'].add(2)",
    "set": "tags.add('y'); tags.discard('x'); tags |= {'z'}",
    "deque": "queue.append(1); queue.appendleft(2); queue.popleft()",
    "attribute": "it.hp = 2; it.new = 1; del it.hp",
    "class attribute": "C.size = 2; C.extra = 1",
    "function attribute": "f.note = 1",
    "through a function": "grow(items)",
    "global rebound": "number = 2; other = 3",
    "name deleted": "del number",
}


def state(m: Any) -> object:
    """Everything that the statements could change, copied."""
    data = [copy.deepcopy(getattr(m, name)) for name in ("table", "items", "tags", "queue", "number")]
    return (
        data,
        sorted(vars(m)),
        copy.deepcopy(vars(m.it)),
        m.C.size,
        sorted(vars(m.C)),
        m.f(),
        m.it.m(),
        dict(vars(m.f)),
    )


@pytest.mark.parametrize("what", DOES)
def test_a_failing_statement_leaves_everything_as_before(ab: Any, what: str) -> None:
    m, update = ab(A)
    before, objects = state(m), [m.table, m.items, m.tags, m.queue, m.C, m.f, m.C.m, m.it]
    with pytest.raises(rebottle.ExecutionError):
        update(f"{B}    {DOES[what]}\n    raise ValueError('halfway')\n")
    assert state(m) == before
    now = [m.table, m.items, m.tags, m.queue, m.C, m.f, m.C.m, m.it]
    assert all(new is old for new, old in zip(now, objects, strict=True))


@pytest.mark.parametrize("what", DOES)
def test_what_a_statement_did_goes_back_with_the_rollback(ab: Any, what: str) -> None:
    m, update = ab(A)
    before = state(m)
    report = update(f"{B}    {DOES[what]}\n", undo=False)
    assert m.f() == ("new", 2)
    report.rollback()
    assert state(m) == before


def test_data_of_another_module_changed_by_a_failing_statement_is_as_before(program: Any) -> None:
    lib, m = program.load(lib="items = []\nlimit = 1\nclass C: size = 1\n", m="import @lib@ as lib\n")
    with pytest.raises(rebottle.ExecutionError):
        program.update(
            {"m": "import @lib@ as lib\nlib.items.append(1)\nlib.limit = 2\nlib.C.size = 2\nlib.new = 1\n1 / 0\n"}
        )
    assert (lib.items, lib.limit, lib.C.size) == ([], 1, 1)
    assert not hasattr(lib, "new")
    assert not hasattr(m, "new")


def test_the_error_says_where_and_is_chained(ab: Any) -> None:
    m, update = ab("x = 1\n")
    with pytest.raises(rebottle.ExecutionError) as caught:
        update("x = 1\ny = 2\nint('boom')\n")
    assert isinstance(caught.value.__cause__, ValueError)
    for word in (m.__file__, "line 3", "ValueError", "boom"):
        assert word in str(caught.value)


def test_the_program_s_own_changes_before_the_update_are_kept_when_it_fails(ab: Any) -> None:
    m, update = ab("items = []\nx = 1\n")
    m.items.append("mine")
    m.x = 5
    with pytest.raises(rebottle.ExecutionError):
        update("items = []\nx = 1\nitems.append('update')\n1 / 0\n")
    assert (m.items, m.x) == (["mine"], 5)


def test_a_registration_in_another_module_is_taken_back(program: Any) -> None:
    lib, m = program.load(
        lib="handlers = {}\ndef register(f):\n    handlers[f.__name__] = f\n    return f\n",
        m="from @lib@ import register\n",
    )
    bad = "from @lib@ import register\n@register\ndef new(): pass\n1 / 0\n"
    with pytest.raises(rebottle.ExecutionError):
        program.update({"m": bad})
    assert lib.handlers == {}
    report = program.update({"m": bad.replace("1 / 0\n", "")})
    assert lib.handlers == {"new": m.new}
    report.rollback()
    assert lib.handlers == {}


def test_the_next_update_works_after_the_statement_was_mended(ab: Any) -> None:
    m, update = ab("log = []\n")
    with pytest.raises(rebottle.ExecutionError):
        update("log = []\nlog.append(1)\nlog.append(1 / 0)\n")
    update("log = []\nlog.append(1)\nlog.append(2)\n")
    assert m.log == [1, 2]
