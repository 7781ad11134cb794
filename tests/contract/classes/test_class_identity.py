"""Section 4: whoever knew the class before goes on knowing it."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import weakref
from collections.abc import Generator

import pytest

from tests.contract.api.scenario import AB, Program

TEXT = """
class Thing:
    def __init__(self, n=1): self.n = n
    def what(self): return "old"
class Oops(Exception):
    def __str__(self): return "old"
"""
NEW = TEXT.replace('"old"', '"new"') + "    def extra(self): return 1\n"
ASIDE = TEXT.replace("class Thing:", "class Mix: pass\nclass Thing(Mix):").replace(
    "class Oops(Exception)", "class Mend: pass\nclass Oops(Mend, Exception)"
)
EDITS = pytest.mark.parametrize("new", [NEW, ASIDE], ids=["bodies", "bases"])


@EDITS
def test_isinstance_and_issubclass_go_on(ab: AB, new: str) -> None:
    m, update = ab(TEXT)
    held, thing = m.Thing, m.Thing()
    update(new)
    assert isinstance(thing, m.Thing)
    assert isinstance(m.Thing(), held)
    assert issubclass(held, m.Thing)
    assert type(thing) is m.Thing


@EDITS
def test_except_catches_old_and_new(ab: AB, new: str) -> None:
    m, update = ab(TEXT)
    held, old = m.Oops, m.Oops()
    update(new)
    with pytest.raises(m.Oops):
        raise old
    with pytest.raises(held):
        raise m.Oops


@EDITS
def test_match_knows_old_instances(ab: AB, new: str) -> None:
    m, update = ab(TEXT)
    thing = m.Thing(5)
    update(new)
    match thing:
        case m.Thing(n=n):
            assert n == 5
        case _:
            raise AssertionError("no match")


@EDITS
def test_pickling_goes_on(ab: AB, new: str) -> None:
    m, update = ab(TEXT)
    thing = m.Thing(5)
    stored = pickle.dumps(thing)
    update(new)
    assert pickle.loads(stored).n == pickle.loads(pickle.dumps(thing)).n == 5
    assert type(pickle.loads(stored)) is m.Thing
    assert pickle.loads(pickle.dumps(m.Thing)) is m.Thing


@EDITS
def test_copying_goes_on(ab: AB, new: str) -> None:
    m, update = ab(TEXT)
    thing = m.Thing(5)
    update(new)
    assert type(copy.copy(thing)) is type(copy.deepcopy(thing)) is m.Thing


@EDITS
def test_singledispatch_goes_on(ab: AB, new: str) -> None:
    m, update = ab(TEXT)

    @functools.singledispatch
    def show(value: object) -> str:
        return "any"

    show.register(m.Thing, lambda value: "thing")
    thing = m.Thing()
    assert show(thing) == "thing"
    update(new)
    assert show(thing) == show(m.Thing()) == "thing"


@EDITS
def test_registered_abcs_go_on(ab: AB, new: str) -> None:
    m, update = ab("from abc import ABC\nclass Face(ABC): pass\n" + TEXT)
    m.Face.register(m.Thing)
    thing = m.Thing()
    update("from abc import ABC\nclass Face(ABC): pass\n" + new)
    assert isinstance(thing, m.Face)
    assert issubclass(m.Thing, m.Face)


@EDITS
def test_weak_sets_go_on(ab: AB, new: str) -> None:
    m, update = ab(TEXT)
    thing = m.Thing()
    classes, things = weakref.WeakSet([m.Thing]), weakref.WeakSet([thing])
    update(new)
    assert m.Thing in classes
    assert thing in things
    assert len(classes) == len(things) == 1


@EDITS
def test_subclasses_in_other_modules_go_on(program: Program, new: str) -> None:
    lib, app = program.load(lib=TEXT, app="from @lib@ import Thing\nclass More(Thing):\n    pass\n")
    more = app.More()
    program.update({"lib": new})
    assert isinstance(more, lib.Thing)
    assert app.Thing is lib.Thing
    assert lib.Thing in app.More.__mro__
    assert lib.Thing.__subclasses__() == [app.More]


def test_subclasses_in_other_modules_get_new_members(program: Program) -> None:
    _lib, app = program.load(lib=TEXT, app="import @lib@\nclass More(@lib@.Thing):\n    pass\n")
    more = app.More()
    program.update({"lib": TEXT.replace('"old"', '"new"').replace("class Oops", "    added = 3\nclass Oops")})
    assert (more.what(), more.added) == ("new", 3)


@EDITS
def test_held_classes_in_containers_are_the_class_in_use(ab: AB, new: str) -> None:
    m, update = ab(TEXT)
    table = {"thing": m.Thing, m.Thing: 1}
    maker = functools.partial(m.Thing, 3)
    update(new)
    assert table["thing"] is m.Thing
    assert table[m.Thing] == 1
    assert type(maker()) is m.Thing


@EDITS
def test_no_second_class_is_left_over(ab: AB, new: str) -> None:
    m, update = ab(TEXT)
    update(new)
    gc.collect()
    bases = m.Thing.__mro__[1]
    assert [c for c in bases.__subclasses__() if c.__name__ == "Thing" and c.__module__ == m.__name__] == [m.Thing]


@EDITS
def test_caught_by_a_frame_that_waits_in_try(ab: AB, new: str) -> None:
    m, update = ab(TEXT)

    def guarded() -> Generator[str, BaseException, None]:
        try:
            yield "ready"
        except m.Oops:
            yield "caught"

    waiting = guarded()
    old = m.Oops()
    next(waiting)
    update(new)
    assert waiting.throw(old) == "caught"


def test_values_of_instances_are_kept(ab: AB) -> None:
    m, update = ab(TEXT)
    thing = m.Thing(8)
    thing.own = [1]
    before = dict(vars(thing))
    update(NEW)
    assert vars(thing) == before


def test_hints_and_unions_of_other_modules_name_the_class(program: Program) -> None:
    lib, app = program.load(lib=TEXT, app="from @lib@ import Thing\nMaybe = Thing | None\ndef f(x: list[Thing]): ...\n")
    program.update({"lib": ASIDE})
    assert isinstance(lib.Thing(), app.Maybe)
    assert app.f.__annotations__["x"].__args__ == (lib.Thing,)


def test_a_method_of_a_class_made_in_a_function_follows(ab: AB) -> None:
    text = """
        def make():
            class Local:
                def what(self): return "old"
            return Local
        """
    m, update = ab(text)
    local = m.make()
    thing = local()
    update(text.replace('"old"', '"new"'))
    assert thing.what() == local().what() == m.make()().what() == "new"


def test_made_again_with_a_default_that_is_a_table(ab: AB) -> None:
    text = "class A: pass\nclass B:\n    def __init__(self, parents=[], kind=A): self.got = parents, kind\n"
    m, update = ab(text)
    held = m.A
    update(text + "C = 1\n", force="classes")
    assert m.B().got == ([], held)
    assert m.A is held
