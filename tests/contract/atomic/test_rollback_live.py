"""Section 6.6: what was born since goes back too; the history is bounded; nothing grows."""

from __future__ import annotations

import gc
import sys
import types
import weakref

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program


def test_closures_born_since_go_back(ab: AB) -> None:
    text = "def make(n):\n    def inner(): return ('old', n)\n    return inner\n"
    m, update = ab(text)
    before = m.make(1)
    report = update(text.replace("'old'", "'new'"))
    since = m.make(2)
    assert (before(), since()) == (("new", 1), ("new", 2))
    report.rollback()
    assert (before(), since()) == (("old", 1), ("old", 2))


def test_instances_born_since_go_back(ab: AB) -> None:
    text = "class C:\n    def what(self): return 'old'\n"
    m, update = ab(text)
    report = update(text.replace("'old'", "'new'") + "    def more(self): return 1\n")
    since = m.C()
    report.rollback()
    assert since.what() == "old"
    assert not hasattr(since, "more")
    assert type(since) is m.C


def test_instances_born_since_lose_the_new_slot(ab: AB) -> None:
    m, update = ab("class C:\n    __slots__ = ('x',)\n")
    report = update("class C:\n    __slots__ = ('x', 'y')\n")
    since = m.C()
    since.x, since.y = 1, 2
    report.rollback()
    assert since.x == 1
    assert type(since) is m.C
    with pytest.raises(AttributeError):
        since.y = 3


def test_decorated_functions_born_since_go_back(ab: AB) -> None:
    text = "def deco(f):\n    def wrapper(): return 'old ' + f()\n    return wrapper\n"
    m, update = ab(text)
    report = update(text.replace("'old '", "'new '"))
    since = m.deco(lambda: "x")
    assert since() == "new x"
    report.rollback()
    assert since() == "old x"


def test_a_generator_born_since_finishes_without_harm(ab: AB) -> None:
    m, update = ab("def gen():\n    yield 'old'\n    yield 'old'\n")
    report = update("def gen():\n    yield 'new'\n    yield 'new'\n")
    since = m.gen()
    assert next(since) == "new"
    report.rollback()
    assert next(since) in ("old", "new")
    assert next(m.gen()) == "old"


def test_bound_methods_and_partials_taken_since_go_back(ab: AB) -> None:
    text = "class C:\n    def what(self): return 'old'\n"
    m, update = ab(text)
    report = update(text.replace("'old'", "'new'"))
    bound, plain = m.C().what, m.C.what
    report.rollback()
    assert bound() == plain(None) == "old"


def test_added_objects_that_somebody_holds_go_on_working(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    report = update(
        "def f(): return 1\nHELP = 5\ndef g(): return HELP + f()\nclass C:\n    def what(self): return g()\n"
    )
    g, one = m.g, m.C()
    report.rollback()
    assert not hasattr(m, "g")
    assert (g(), one.what()) == (6, 6)


def test_added_methods_that_somebody_holds_go_on_working(ab: AB) -> None:
    m, update = ab("class C: pass\n")
    report = update(
        """
        HELP = 5
        class C:
            def what(self):
                return HELP
            @property
            def shown(self):
                return HELP
        """,
        undo=False,
    )
    held, shown = m.C().what, m.C.shown.fget
    undone = report.rollback()
    assert not hasattr(m.C, "what")
    assert (held(), shown(m.C())) == (5, 5)
    undone.rollback()
    m.HELP = 6
    assert (held(), m.C().shown) == (6, 6)


def test_an_added_function_that_needs_nothing_added_still_returns(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    report = update("def f(): return 1\ndef g(): return f() + 1\n")
    g = m.g
    report.rollback()
    assert g() == 2


def test_added_instance_attributes_go_unless_the_program_changed_them(ab: AB) -> None:
    m, update = ab("class C:\n    def __init__(self): self.x = 1\n")
    same, changed = m.C(), m.C()
    report = update("class C:\n    def __init__(self):\n        self.x = 1\n        self.y = 2\n")
    changed.y = 7
    report.rollback()
    assert not hasattr(same, "y")
    assert changed.y == 7


def test_the_history_keeps_the_last_updates_thirty_two_by_default(ab: AB) -> None:
    m, update = ab("def f(): return 0\n")
    reports = [update(f"def f(): return {n}\n", undo=False) for n in range(1, 41)]
    history = rebottle.history()
    assert len(history) == 32
    assert [report.id for report in history] == [report.id for report in reports[-32:]]
    history[0].rollback(cascade=True)
    assert m.f() == 8


def test_an_update_that_left_the_history_cannot_be_undone(ab: AB) -> None:
    m, update = ab("def f(): return 0\n")
    first = update("def f(): return 1\n", undo=False)
    for n in range(2, 40):
        update(f"def f(): return {n}\n", undo=False)
    with pytest.raises(rebottle.RefusedError):
        first.rollback(cascade=True)
    assert m.f() == 39


def functions_called(name: str) -> int:
    """How many functions with this qualified name live."""
    gc.collect()
    return sum(1 for each in gc.get_objects() if isinstance(each, types.FunctionType) and each.__qualname__ == name)


def test_no_second_object_of_a_definition_is_kept_alive(program: Program) -> None:
    name = f"unique_{program.world.tag}"
    [m] = program.load(m=f"def {name}(): return 0\nclass C_{name}:\n    def {name}(self): return 0\n")
    for n in range(1, 20):
        program.update(
            {"m": f"def {name}(): return {n}\nclass C_{name}:\n    def {name}(self): return {n}\n"}, undo=False
        )
    assert functions_called(name) == 1
    assert functions_called(f"C_{name}.{name}") == 1
    assert getattr(m, name)() == 19


def test_a_pruned_function_that_nobody_holds_is_freed(ab: AB) -> None:
    m, update = ab("def f(): return 1\nclass C: pass\nX = 1\n")
    f, c = weakref.ref(m.f), weakref.ref(m.C)
    report = update("X = 1\n", prune=True)
    gc.collect()
    assert f() is None
    assert c() is None
    report.rollback()
    assert m.f() == 1
    assert m.C.__name__ == "C"


def test_a_thousand_reloads_do_not_grow_the_process(program: Program) -> None:
    [m] = program.load(m="T = {}\ndef f(): return 0\nclass C:\n    def g(self): return 0\n")
    sizes = []
    for n in range(1, 1001):
        text = f"T = {{}}\ndef f(): return {n}\nclass C:\n    def g(self): return {n}\n"
        rebottle.reload([m], sources={m.__name__: text})
        if n % 250 == 0:
            gc.collect()
            sizes.append(sys.getallocatedblocks())
    assert m.f() == m.C().g() == 1000
    assert sizes[-1] - sizes[0] < 2000
