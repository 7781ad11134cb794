"""Contract 2.4: new statements meet the new version of what other modules define, however they name it."""

from __future__ import annotations

from typing import Any

import pytest

LIB = """
class C:
    number = 1
    def m(self, a=1): return a
    def items(self): yield "old"
def f(a=1): return a
def generate(a=1): yield a
short = lambda: 1
"""
NEW = """
class C:
    number = 3
    def __init__(self, x=3): self.x = x
    def m(self, a=3, b=3): return b
    def items(self): yield 3
def f(a=3, *, b=3): return b
def generate(a=3): yield a
def short(): return 3
"""
EXPRESSIONS = [
    "C().x",
    "C(x=3).x",
    "C.number",
    "getattr(C, 'number')",
    "C().m()",
    "C().m(b=3)",
    "next(C().items())",
    "next(iter([*C().items()]))",
    "[each.m() for each in [C()]][0]",
    "f()",
    "f(b=3)",
    "f.__defaults__[0]",
    "(lambda: f())()",
    "next(generate())",
    "list(map(generate, [3]))[0].gi_frame.f_locals['a']",
    "[*generate()][0]",
    "short()",
    "3 if short.__name__ == 'short' else 1",
]
FORMS = {
    "assignment": "v = {}\n",
    "default": "def make(x={}): return x\nv = make()\n",
    "class body": "class K:\n    x = {}\nv = K.x\n",
    "function": "def make(): return {}\nv = make()\n",
    "method": "class K:\n    def go(self): return {}\nv = K().go()\n",
    "forgiving": "try: v = {}\nexcept Exception as error: v = error\n",
    "block": "if {} == 3: v = 3\nelse: v = 1\n",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("way", ["from", "attribute"])
def test_a_new_statement_meets_the_new_version(program: Any, way: str, expression: str, form: str) -> None:
    names = ("C", "f", "generate", "short")
    start = f"from @lib@ import {', '.join(names)}\n" if way == "from" else "import @lib@ as lib\n"
    if way == "attribute":
        for name in names:
            expression = expression.replace(f"{name}(", f"lib.{name}(").replace(f"{name}.", f"lib.{name}.")
        expression = expression.replace("map(generate", "map(lib.generate").replace("getattr(C", "getattr(lib.C")
    _, m = program.load(lib=LIB, m=start)
    report = program.update({"lib": NEW, "m": start + form.format(expression)}, policy="replace")
    assert m.v == 3
    report.rollback()
    assert not hasattr(m, "v")


def test_a_new_subclass_has_the_hooks_of_a_base_named_by_its_module(program: Any) -> None:
    _, m = program.load(lib="class A: pass\n", m="import @lib@ as lib\n")
    hook = "class A:\n    def __init_subclass__(cls): cls.made = 3\n"
    program.update({"lib": hook, "m": "import @lib@ as lib\nclass B(lib.A): pass\n"})
    assert m.B.made == 3


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ("v = f()\nv = 5\n", 5),
        ("v = 5\nv = [v, f()]\n", [5, "new"]),
        ("u = [f()]\nv = u\nu = 5\n", ["new"]),
        ("u = K()\nu.z = f()\nv = u.z\n", "new"),
        ("u = K()\nu.z = f()\nu = u.__dict__\nv = u\n", {"z": "new"}),
        ("u = [1]\nu.append(f())\nv = len(u)\n", 2),
        ("u = {}\nu['a'] = f()\nv = list(u)\n", ["a"]),
        ("u = f()\ndef u(): return 5\nv = u()\n", 5),
        ("v = 1\nfor each in [f()]: v = each\nif v == 'new': v = 5\n", 5),
    ],
)
def test_statements_keep_their_order_around_one_that_waits(program: Any, statements: str, expected: object) -> None:
    start = "from @lib@ import f\nclass K: pass\n"
    _, m = program.load(lib="def f(): return 'old'\n", m=start)
    program.update({"lib": "def f(): return 'new'\n", "m": start + statements})
    assert m.v == expected
