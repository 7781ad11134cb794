"""Contract 2.4: new statements meet the new version of a class where Python itself looks for its members."""

from __future__ import annotations

from typing import Any

import pytest

CLASS = "class C:\n    pass\nc = C()\n"

# A member that the class gets, a statement that is new beside it, what it leaves.
ADDED = {
    "init": ("def __init__(self): self.x = 1", "v = C().x", 1),
    "new": ("def __new__(cls): return 5", "v = C()", 5),
    "call": ("def __call__(self, f): return 5", "@c\ndef v(): pass", 5),
    "bool": ("def __bool__(self): return False", "v = 1 if c else 2", 2),
    "eq": ("def __eq__(self, other): return True\n    __hash__ = None", "v = c == 4", True),
    "hash": ("def __hash__(self): return 5", "v = hash(c)", 5),
    "repr": ("def __repr__(self): return 'R'", "v = f'{c!r}'", "R"),
    "getattr": ("def __getattr__(self, name): return name", "v = c.anything", "anything"),
    "getattribute": ("a = 1\n    def __getattribute__(self, name): return name", "v = c.a", "a"),
    "iter": ("def __iter__(self): return iter([1])", "v = [*c]", [1]),
    "len": ("def __len__(self): return 0", "if c: v = 1\nelse: v = 2", 2),
    "with": ("def __enter__(self): return 1\n    def __exit__(self, *a): pass", "with c as v: pass", 1),
    "class_getitem": ("def __class_getitem__(cls, item): return item", "v = C[3]", 3),
    "property": ("@property\n    def a(self): return 2", "v = c.a", 2),
    "slot": ("def __add__(self, other): return other", "v = c + 3", 3),
    "match": ("__match_args__ = ('__class__',)", "match c:\n    case C(v): pass", "C"),
    "set_name": ("def __set_name__(self, owner, name): owner.v = name", "class D:\n    f = C()\nv = D.v", "f"),
    "init_subclass": ("def __init_subclass__(cls): cls.v = 1", "class D(C): pass\nv = D.v", 1),
}


@pytest.mark.parametrize(("member", "statement", "expected"), ADDED.values(), ids=ADDED)
def test_a_new_special_method_is_there_for_a_new_statement(
    ab: Any, member: str, statement: str, expected: object
) -> None:
    m, update = ab(CLASS)
    report = update(CLASS.replace("pass", member) + statement + "\n")
    assert getattr(m.v, "__name__", m.v) == expected
    assert "run-at-commit" in [change.kind for change in report.changes]
    report.rollback()
    assert not hasattr(m, "v")
    assert type(m.c) is m.C


def test_a_special_method_that_is_gone_is_gone_for_a_new_statement(ab: Any) -> None:
    m, update = ab("class C:\n    def __bool__(self): return False\nc = C()\n")
    update("class C:\n    pass\nc = C()\nv = bool(c)\n", prune=True)
    assert m.v is True


def test_a_new_hook_of_a_base_is_run_for_a_class_that_is_new_below_another_one(ab: Any) -> None:
    a = "made = []\nclass A: pass\nclass B(A): pass\n"
    m, update = ab(a)
    update(a.replace("A: pass", "A:\n    def __init_subclass__(cls): made.append(cls.__name__)") + "class C(B): pass\n")
    assert m.made == ["C"]


@pytest.mark.parametrize("hook", ["__new__", "__init__"])
def test_a_new_hook_of_a_metaclass_makes_a_new_class(ab: Any, hook: str) -> None:
    a = "made = []\nclass Meta(type): pass\nclass A(metaclass=Meta): pass\n"
    m, update = ab(a)
    body = f"\n    def {hook}(*a):\n        made.append(a[1])\n        return type.{hook}(*a)\n"
    update(a.replace(" pass\nclass A", body + "class A") + "class B(metaclass=Meta): pass\nclass C(A): pass\n")
    assert m.made == ["B", "C"]


def test_a_living_instance_has_the_new_bases_in_a_new_statement(ab: Any) -> None:
    a = "class A: x = 1\nclass B: x = 2\nclass C(A): pass\nc = C()\n"
    m, update = ab(a)
    update(a.replace("C(A)", "C(B)") + "v = c.x\n")
    assert m.v == 2


def test_a_function_that_uses_such_a_class_meets_the_new_version(program: Any) -> None:
    _, m = program.load(
        tools="from @m@ import C\ndef build(): return C()\n", m="class C: pass\ndef make(): return C()\n"
    )
    new = "class C:\n    def __init__(self): self.x = 1\ndef make(): return C()\n"
    program.update({"m": new + "a = make().x\nimport @tools@\nb = @tools@.build().x\n"})
    assert (m.a, m.b) == (1, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "v = C",
        "v = [C, c]",
        "v = {'a': C}",
        "def v(x: C, *, y=C) -> C: return x()",
        "class v(C): pass",
        "v: C = 1",
        "v = lambda: C()",
    ],
)
def test_a_statement_that_only_stores_the_class_is_run_in_the_stage(ab: Any, statement: str) -> None:
    m, update = ab(CLASS)
    report = update(CLASS.replace("pass", "def __init__(self): self.x = 1") + statement + "\n")
    assert "run-at-commit" not in [change.kind for change in report.changes]
    assert hasattr(m, "v")


@pytest.mark.parametrize(
    "definition",
    [
        "class B(A):\n    @A.p.getter\n    def p(self): pass\nb = B()\nb.p = 3\nv = b.v",
        "def f(x=A.number): return x\nv = f()",
        "def f(*, x=A.p.fset): return x\nv = 3 if f() else 0",
        "class B(A):\n    n = A.number\nv = B.n",
    ],
)
def test_a_definition_is_evaluated_with_the_new_members_of_a_class(ab: Any, definition: str) -> None:
    prop = "    @property\n    def p(self): pass\n"
    m, update = ab(f"class A:\n    number = 1\n{prop}")
    a = f"class A:\n    number = 3\n{prop}    @p.setter\n    def p(self, v): self.v = v\n"
    report = update(a + definition + "\n", policy="replace")
    assert m.v == 3
    report.rollback()
    assert (m.A.number, m.A.p.fset) == (1, None)
