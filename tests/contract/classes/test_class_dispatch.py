"""Section 4: ``singledispatch`` goes on working, forth and back."""

from __future__ import annotations

from tests.contract.api.scenario import AB, Program

FUNCTIONS = """
from functools import singledispatch
{TOP}class A{BASE}: pass
class B(A): pass
@singledispatch
def show(o): return "object"
@show.register
def _(o: A): return "{TEXT}"
"""
NEW = """@show.register
def _(o: Top): return "top"
"""


def source(top: str, base: str, text: str) -> str:
    """The program with these parts."""
    return FUNCTIONS.replace("{TOP}", top).replace("{BASE}", base).replace("{TEXT}", text)


def test_another_function_of_the_same_name_and_a_new_base(ab: AB) -> None:
    m, update = ab(source("", "", "old"))
    b = m.B()
    assert m.show(b) == "old"
    report = update(source("class Top: pass\n", "(Top)", "new") + NEW)
    assert [m.show(each) for each in (b, m.A(), m.Top(), 1)] == ["new", "new", "top", "object"]
    undone = report.rollback()
    assert [m.show(each) for each in (b, m.A(), 1)] == ["old", "old", "object"]
    undone.rollback()
    assert [m.show(each) for each in (b, m.Top())] == ["new", "top"]


def test_what_was_dispatched_before_follows_new_bases(program: Program) -> None:
    _, shapes, m = program.load(
        lib="class Round: pass\n",
        shapes="class Ball: pass\n",
        m="import @lib@ as lib\nfrom functools import singledispatch\n@singledispatch\ndef show(o): return 0\n"
        "@show.register\ndef _(o: lib.Round): return 1\n",
    )
    ball = shapes.Ball()
    assert m.show(ball) == 0
    report = program.update({"shapes": "from @lib@ import Round\nclass Ball(Round): pass\n"})
    assert m.show(ball) == 1
    report.rollback()
    assert m.show(ball) == 0


METHODS = """
from functools import singledispatchmethod
class A:
    @singledispatchmethod
    def f(self, x): return "object"
    @f.register
    def _(self, x: int): return "int"
"""


def test_methods_registered_for_more_types(ab: AB) -> None:
    m, update = ab(METHODS)
    a = m.A()
    assert a.f(1) == "int"
    text = METHODS.replace('"int"', '"int2"') + '    @f.register\n    def _(self, x: str): return "str"\n'
    report = update(text)
    assert [a.f(1), a.f(""), a.f([])] == ["int2", "str", "object"]
    report.rollback()
    assert [a.f(1), a.f(""), a.f([])] == ["int", "object", "object"]
