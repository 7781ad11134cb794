"""Contract 1: a snippet that raises is undone, whatever it did before."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pytest

import rebottle

STATE = """
    import collections
    number = 1
    table = {"a": [1, {"b": {1, 2}}], "z": 0}
    numbers = [3, 1, 2]
    tags = {"x"}
    queue = collections.deque([1, 2])

    class C:
        speed = 1
        shared = []
        def f(self): return "old"

    it = C()
    it.bag = {"k": [1]}
    def f(x=1): return ("old", x)
    def grow(): numbers.append(9); tags.add("grown"); it.grown = True
"""

WRITES = {
    "a module attribute": "m.number = 2",
    "a new module attribute": "m.extra = 2",
    "a deleted module attribute": "del m.number",
    "a dict entry": "m.table['z'] = 5; m.table['new'] = 6; del m.table['a']",
    "a dict cleared": "m.table.clear()",
    "a dict updated": "m.table.update(a=1, c=2); m.table.setdefault('d', 4); m.table.pop('z')",
    "a list": "m.numbers.append(4); m.numbers[0] = 9; m.numbers.sort(); del m.numbers[1]",
    "a list slice": "m.numbers[:] = []; m.numbers += [7, 8]",
    "a set": "m.tags.add('y'); m.tags.discard('x'); m.tags |= {'z'}",
    "a deque": "m.queue.append(3); m.queue.popleft()",
    "something nested": "m.table['a'][1]['b'].add(3); m.table['a'].append(4)",
    "an instance's attribute": "m.it.hp = 3; m.it.bag['k'].append(2); del m.it.bag",
    "a class attribute": "m.C.speed = 2; m.C.shared.append(1); m.C.extra = 1",
    "a function": "m.f = lambda: 'new'",
    "a function's attributes": "m.f.__defaults__ = (2,); m.f.note = 1",
    "a method": "m.C.f = lambda self: 'new'; m.C.g = lambda self: 'more'",
    "what a function of the program changes": "m.grow()",
    "setattr": "setattr(m, 'number', 3); setattr(m.it, 'x', 1)",
    "vars": "vars(m)['number'] = 3; vars(m.it)['x'] = 1",
}


def state(m: Any) -> object:
    """What the writes could have changed, copied."""
    names = ("number", "table", "numbers", "tags", "queue")
    data = [copy.deepcopy(getattr(m, name)) for name in names]
    rest = [sorted(vars(m)), sorted(vars(m.C)), copy.deepcopy(vars(m.it)), m.C.speed, list(m.C.shared), dict(vars(m.f))]
    return data, rest, list(m.table), m.f(), m.it.f()


@pytest.mark.parametrize("write", WRITES)
def test_a_snippet_that_raises_halfway_leaves_nothing(ab: Any, program: Any, write: str) -> None:
    m, _ = ab(STATE)
    before, objects = state(m), [m.table, m.numbers, m.tags, m.queue, m.f, m.C, m.C.f]
    with pytest.raises(rebottle.ExecutionError):
        rebottle.hotfix(program.world.text(f"import @m@ as m\n{WRITES[write]}\nraise RuntimeError('halfway')\n"))
    assert state(m) == before
    now = [m.table, m.numbers, m.tags, m.queue, m.f, m.C, m.C.f]
    assert all(new is old for new, old in zip(now, objects, strict=True))


def test_everything_of_a_long_snippet_is_undone_together(ab: Any, program: Any) -> None:
    m, _ = ab(STATE)
    before = state(m)
    body = "\n".join(WRITES[key] for key in ("a module attribute", "a list", "a set", "something nested", "a function"))
    with pytest.raises(rebottle.ExecutionError):
        rebottle.hotfix(program.world.text(f"import @m@ as m\n{body}\n1 / 0\n"))
    assert state(m) == before


@pytest.mark.parametrize("kind", ["RuntimeError('boom')", "SystemExit(3)", "KeyError('k')"])
def test_the_error_is_chained_to_the_snippet_s_own_exception(ab: Any, program: Any, kind: str) -> None:
    m, _ = ab("number = 1\n")
    with pytest.raises(rebottle.ExecutionError) as caught:
        rebottle.hotfix(program.world.text(f"import @m@ as m\nm.number = 2\nraise {kind}\n"), name="urgent")
    assert repr(caught.value.__cause__) == repr(eval(kind))
    assert "urgent" in str(caught.value)
    assert "line 3" in str(caught.value)
    assert m.number == 1


def test_a_keyboard_interrupt_passes_through_after_the_undo(ab: Any, program: Any) -> None:
    m, _ = ab("number = 1\n")
    with pytest.raises(KeyboardInterrupt):
        rebottle.hotfix(program.world.text("import @m@ as m\nm.number = 2\nraise KeyboardInterrupt\n"))
    assert m.number == 1


def test_a_snippet_that_does_not_compile_runs_nothing(ab: Any, program: Any) -> None:
    m, _ = ab("number = 1\n")
    with pytest.raises(rebottle.SourceError) as caught:
        rebottle.hotfix(program.world.text("import @m@ as m\nm.number = 2\ndef f(:\n"))
    assert isinstance(caught.value.__cause__, SyntaxError)
    assert m.number == 1


def test_a_module_imported_by_a_failing_snippet_is_taken_out_again(ab: Any, program: Any) -> None:
    m, _ = ab("number = 1\n")
    new = program.world.name("new")
    program.world.write(new, "value = 1\n")
    with pytest.raises(rebottle.ExecutionError):
        rebottle.hotfix(
            program.world.text("import @m@ as m, @new@ as new\nm.number = new.value + 1\nraise ValueError\n")
        )
    assert new not in sys.modules
    assert m.number == 1


def test_a_failed_hotfix_is_not_in_the_history_and_the_next_one_works(ab: Any, program: Any) -> None:
    m, _ = ab("def f(): return 1\n")
    before = len(rebottle.history())
    with pytest.raises(rebottle.ExecutionError):
        rebottle.hotfix(program.world.text("import @m@ as m\nm.f = lambda: 2\nraise ValueError\n"))
    assert not any(m.__name__ in str(report) and report.ok for report in rebottle.history()[before:])
    rebottle.hotfix(program.world.text("import @m@ as m\nm.f = lambda: 3\n"))
    assert m.f() == 3


def test_a_wrapper_put_in_place_before_the_error_is_gone_for_old_holders_too(ab: Any, program: Any) -> None:
    m, _ = ab("calls = []\ndef f(): return 'old'\n")
    held = m.f
    fix = """
        import @m@ as m
        old = m.f
        def f():
            m.calls.append(1)
            return old()
        m.f = f
        m.f()
        raise ValueError
    """
    with pytest.raises(rebottle.ExecutionError):
        rebottle.hotfix(program.world.text(fix))
    assert held() == m.f() == "old"
    assert m.f is held
    assert m.calls == []
