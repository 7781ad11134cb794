"""Classes that change their place, share a name, or are run aside: one object for each, as the source says."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable
from types import ModuleType

import pytest

import rebottle

Start = Callable[[str], tuple[ModuleType, Callable[..., rebottle.Report]]]

PLAIN = "class Base:\n    def f(self): return 1\nclass Derived(Base): pass\nheld = Base()\n"
BLOCKS = {
    "if": "if True:\n    class Base:\n        def f(self): return 2\nclass Derived(Base): pass\nheld = Base()\n",
    "for": "for _ in (1,):\n    class Base:\n        def f(self): return 2\nclass Derived(Base): pass\nheld = Base()\n",
    "try": "try:\n    class Base:\n        def f(self): return 2\nfinally: 0\nclass Derived(Base): 0\nheld = Base()\n",
}


@pytest.mark.parametrize("block", BLOCKS)
def test_a_class_that_moves_into_a_block_stays_the_same_object(ab: Start, block: str) -> None:
    m, update = ab(PLAIN)
    base = m.Base
    report = update(BLOCKS[block])
    assert m.Base is base
    assert m.Derived.__bases__ == (base,)
    assert m.held.f() == m.Derived().f() == 2
    report.rollback()
    assert m.held.f() == m.Derived().f() == 1


@pytest.mark.parametrize("block", BLOCKS)
def test_a_class_that_moves_out_of_a_block_stays_the_same_object(ab: Start, block: str) -> None:
    m, update = ab(BLOCKS[block])
    base = m.Base
    update(PLAIN)
    assert m.Base is base
    assert m.held.f() == m.Derived().f() == 1


def test_a_class_that_builds_on_its_namesake(ab: Start) -> None:
    first = "class Unit:\n    def f(self): return 1\n"
    second = "class Unit(Unit):\n    def g(self): return self.f() + 1\n"
    m, update = ab(first)
    update(first + second)
    assert m.Unit().g() == 2
    assert m.Unit.__bases__ != (m.Unit,)


def test_a_class_that_would_be_its_own_base_is_refused(ab: Start) -> None:
    m, update = ab("class Unit:\n    def f(self): return 1\n")
    with pytest.raises(rebottle.RefusedError) as caught:
        update("class Unit(Unit):\n    def f(self): return 2\n")
    assert [refusal.rule for refusal in caught.value.refusals] == ["class-bases"]
    assert m.Unit().f() == 1


MADE_ASIDE = {
    "enum": ("import enum\nclass C(enum.Enum):\n    A = 1\n", "    B = 2\n"),
    "dataclass": ("import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n", "    b: int = 2\n"),
    "named tuple": ("import typing\nclass C(typing.NamedTuple):\n    a: int = 1\n", "    b: int = 2\n"),
    "type parameter": (
        "class C[T]:\n    def f(self) -> T: return super()\n",
        "    def g[K](self, k: K) -> T: return k\n",
    ),
}


@pytest.mark.parametrize("kind", MADE_ASIDE)
def test_no_second_class_stays_alive(ab: Start, kind: str) -> None:
    old, more = MADE_ASIDE[kind]
    m, update = ab(old)
    update(old + more)
    gc.collect()
    alive = [each for each in gc.get_objects() if isinstance(each, type) and each.__module__ == m.__name__]
    assert alive == [m.C]
    assert "__classdictcell__" not in vars(m.C)


def test_a_method_of_a_dataclass_takes_a_new_default(ab: Start) -> None:
    source = "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\n    def f(self, x=1): return x\n"
    m, update = ab(source)
    held = m.C().f
    update(source.replace("x=1", "x=2"))
    assert held() == m.C().f() == 2


def test_a_sentinel_of_a_class_run_aside_stays_identical_with_defaults(ab: Start) -> None:
    source = """
        import dataclasses
        @dataclasses.dataclass
        class C:
            _none = object()
            a: int = 1
            def f(self, x=_none): return x is self._none
        c = C()
    """
    m, update = ab(source)
    update(source.replace("a: int = 1", "a: int = 1\n            b: int = 2"))
    assert m.c.f()
    assert m.C().f()


def test_a_local_class_of_a_moved_function_is_shown_from_its_own_line(ab: Start) -> None:
    source = "def make():\n    class Local:\n        x = 1\n    return Local\n"
    m, update = ab(source)
    update("import os\n\n\n" + source)
    assert inspect.getsource(m.make()) == "    class Local:\n        x = 1\n"


def test_data_that_the_program_changed_stays_in_a_class_run_aside(ab: Start) -> None:
    source = """
        import dataclasses
        @dataclasses.dataclass
        class C:
            count = 0
            table = {}
            a: int = 1
    """
    m, update = ab(source)
    m.C.count = 5
    m.C.table["k"] = 1
    for policy in ("keep", "replace"):
        update(source.replace("a: int = 1", f"a: int = 1\n            b_{policy}: int = 2"), policy=policy)
        assert (m.C.count, m.C.table) == (5, {"k": 1})
