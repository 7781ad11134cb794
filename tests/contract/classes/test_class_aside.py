"""Section 4: when a class statement is run again, and what follows the source."""

from __future__ import annotations

import functools
import inspect
import sys

import pytest

import rebottle
from tests.contract.api.scenario import AB

COUNT = """
RUNS = []
class Mix: pass
class Thing{bases}:
    RUNS.append(1)
    size = 1
    def what(self): return "old"
"""


def counting(bases: str = "") -> str:
    """A class whose body counts how often it is run."""
    return COUNT.replace("{bases}", bases)


@pytest.mark.parametrize(
    "edit",
    [
        ('return "old"', 'return "new"'),
        ("    size = 1\n", ""),
        ("    size = 1\n", "    size = 1\n    more = 2\n"),
        ("    size = 1\n", "    size = 1\n    @property\n    def more(self): return 1\n"),
        ("    size = 1\n", "    'A docstring.'\n    size = 1\n"),
    ],
    ids=["body", "data removed", "data added", "member added", "expression added"],
)
def test_the_class_statement_is_not_run_as_a_whole(ab: AB, edit: tuple[str, str]) -> None:
    m, update = ab(counting())
    update(counting().replace(*edit))
    assert m.RUNS == [1]


@pytest.mark.parametrize("head", ["(Mix)", "[T]", "(metaclass=type)"])
def test_the_class_statement_is_run_aside_when_its_head_changed(ab: AB, head: str) -> None:
    m, update = ab(counting())
    held, living = m.Thing, m.Thing()
    update(counting(head).replace('"old"', '"new"'), undo=False)
    assert m.Thing is held
    assert living.what() == "new"
    assert len(m.RUNS) in (1, 2)


def test_a_class_body_run_aside_is_reported(ab: AB) -> None:
    _m, update = ab(counting())
    report = update(counting("(Mix)"), undo=False)
    assert any("Thing" in change.where for change in report.changes)


def test_a_statement_new_in_the_class_body_is_run_once(ab: AB) -> None:
    m, update = ab(counting())
    update(counting() + "    RUNS.append('new')\n", undo=False)
    assert m.RUNS == [1, "new"]


def test_a_class_decorator_is_added(ab: AB) -> None:
    deco = "def mark(cls):\n    cls.mark = 'marked'\n    return cls\n"
    m, update = ab(deco + "class Thing:\n    def what(self): return 1\n")
    held, living = m.Thing, m.Thing()
    update(deco + "@mark\nclass Thing:\n    def what(self): return 2\n")
    assert m.Thing is held
    assert living.mark == "marked"
    assert living.what() == 2


def test_a_class_decorator_that_wraps_a_method(ab: AB) -> None:
    text = """
        def loud(cls):
            plain = cls.what
            cls.what = lambda self: plain(self).upper()
            return cls
        @loud
        class Thing:
            size = 1
            def what(self): return "old"
        """
    m, update = ab(text)
    living = m.Thing()
    update(text.replace('"old"', '"new"'))
    assert living.what() == "NEW"
    update(text.replace('"old"', '"newer"') + "    def more(self): return 1\n")
    assert living.what() == "NEWER"
    assert living.more() == 1


def test_a_class_decorator_is_removed(ab: AB) -> None:
    deco = "from functools import total_ordering\n"
    body = "class Thing:\n    def __lt__(self, other): return False\n    def __eq__(self, other): return True\n"
    m, update = ab(deco + "@total_ordering\n" + body)
    held, living = m.Thing, m.Thing()
    assert living >= 1
    update(deco + body)
    assert m.Thing is held
    assert isinstance(living, held)
    with pytest.raises(TypeError):
        living >= 1  # noqa: B015


def test_the_docstring_follows(ab: AB) -> None:
    m, update = ab('class Thing:\n    """Old."""\n    def what(self):\n        """Old."""\n')
    held = m.Thing
    update('class Thing:\n    """New."""\n    def what(self):\n        """Newer."""\n')
    assert held.__doc__ == "New."
    assert held.what.__doc__ == "Newer."


def test_a_docstring_comes_and_goes(ab: AB) -> None:
    m, update = ab("class Thing:\n    x = 1\n")
    update('class Thing:\n    """Here."""\n    x = 1\n')
    assert m.Thing.__doc__ == "Here."
    update("class Thing:\n    x = 1\n")
    assert m.Thing.__doc__ is None


def test_annotations_follow(ab: AB) -> None:
    m, update = ab("class Thing:\n    x: int\n    y: str\n")
    update("class Thing:\n    x: float\n    z: bytes\n")
    assert m.Thing.__annotations__ == {"x": float, "z": bytes}


@pytest.mark.skipif(sys.version_info < (3, 13), reason="classes know their first line from 3.13 on")
def test_first_line_and_static_attributes_follow(ab: AB) -> None:
    m, update = ab("class Thing:\n    def __init__(self): self.x = 1\n")
    update("# moved\n\n\nclass Thing:\n    def __init__(self): self.x = self.y = 1\n")
    assert m.Thing.__firstlineno__ == 4
    assert set(m.Thing.__static_attributes__) == {"x", "y"}


def test_the_source_of_a_class_is_the_new_one(ab: AB) -> None:
    m, update = ab("class Thing:\n    def what(self): return 1\n")
    update("# moved\nclass Thing:\n    def what(self): return 2\n    def more(self): return 3\n")
    assert inspect.getsource(m.Thing).startswith("class Thing:\n    def what(self): return 2\n    def more")
    assert inspect.getsource(m.Thing.more) == "    def more(self): return 3\n"
    assert m.Thing.what.__code__.co_firstlineno == 3


def test_class_attributes_are_data(ab: AB) -> None:
    m, update = ab("class Thing:\n    size = 1\n    bag = {}\n")
    m.Thing.bag["live"] = 1
    report = update("class Thing:\n    size = 2\n    bag = {'new': 2}\n    added = 3\n")
    assert (m.Thing.size, m.Thing.bag, m.Thing.added) == (1, {"live": 1}, 3)
    assert any("Thing.size" in kept.where for kept in report.kept)


def test_a_new_class_whose_base_is_changed_in_the_same_update(ab: AB) -> None:
    m, update = ab("class Base:\n    def what(self): return 'old'\n")
    living = m.Base()
    update("class Base:\n    def what(self): return 'new'\nclass New(Base):\n    pass\n")
    assert m.New().what() == living.what() == "new"
    assert m.New.__mro__ == (m.New, m.Base, object)
    assert isinstance(m.New(), type(living))


def test_a_class_that_goes_stays_usable(ab: AB) -> None:
    m, update = ab("class Thing:\n    def what(self): return 1\nX = 1\n")
    living, held = m.Thing(), m.Thing
    update("X = 1\n", prune=True)
    assert not hasattr(m, "Thing")
    assert living.what() == held().what() == 1


@pytest.mark.parametrize("header", ["class C:", "@final\nclass C(metaclass=M):"])
def test_inspect_finds_the_source_of_a_class_wherever_it_stands(ab: AB, header: str) -> None:
    old = (
        f"from typing import final\nclass M(type): pass\nx = 1\n\n\n{header}\n    a = 1\n    class D:\n        b = 1\n"
    )
    m, update = ab(old)
    update(old.replace("x = 1", "x = 1\ny = 2\n").replace("b = 1", "b = 1\n        c = 2"))
    assert inspect.getsource(m.C).endswith("    a = 1\n    class D:\n        b = 1\n        c = 2\n")
    assert inspect.getsource(m.C.D) == "    class D:\n        b = 1\n        c = 2\n"


def test_a_class_of_c_code_that_took_the_name_is_left_alone(ab: AB) -> None:
    source = """
        class partial:
            __slots__ = ("a",)
        try:
            from functools import partial
        except ImportError:
            pass
    """
    m, update = ab(source)
    update(source.replace('"a",', '"a", "b"'), force="classes")
    assert m.partial is functools.partial


def test_a_class_statement_that_was_broken_off_in_the_stage_leaves_nothing_in_the_module(ab: AB) -> None:
    text = """
class Helper:
    def __init__(self): self.value = 1
def mark(cls): return cls
class Meta(type):
    def __init__(cls, name, bases, members): cls.helper = Helper()
class Thing(metaclass=Meta):
    def what(self): return __class__
    @classmethod
    def which(cls): return __class__
"""
    m, _update = ab(text)
    held, living = m.Thing, m.Thing()
    now = text.replace("value = 1", "value = 2").replace("class Thing", "@mark\nclass Thing")
    report = rebottle.reload(m.__name__, sources={m.__name__: now}, force="classes")
    assert "run-at-commit" in [change.kind for change in report.changes]
    assert m.Thing is held is living.what() is held.which()
    assert living.helper.value == 2


def test_the_last_statement_that_binds_a_name_decides_in_a_class_run_aside(ab: AB) -> None:
    a = "class A: pass\nclass K(A):\n    n = 1\n"
    m, update = ab(a)
    m.K.n = 7
    report = update("class A: pass\nclass K:\n    n = 1\n    n: int = 3\n", policy="replace")
    assert m.K.n == 3
    report.rollback()
    assert m.K.n == 7
