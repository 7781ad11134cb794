"""Section 4: bases and metaclasses."""

from __future__ import annotations

import copy
import gc
import weakref

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program

BASES = """
class Walk:
    def move(self): return "walk"
class Fly:
    def move(self): return "fly"
    def land(self): return "land"
"""


def bird(bases: str) -> str:
    """The bases' source and a class ``Bird`` with these bases."""
    return f"{BASES}class Bird{bases}:\n    def name(self): return 'bird'\n"


@pytest.mark.parametrize(
    ("old", "new", "move"),
    [
        ("", "(Walk)", "walk"),
        ("(Walk)", "(Walk, Fly)", "walk"),
        ("(Walk, Fly)", "(Fly, Walk)", "fly"),
        ("(Walk)", "(Fly)", "fly"),
        ("(Walk, Fly)", "(Fly)", "fly"),
    ],
    ids=["from-object", "added", "reordered", "exchanged", "removed"],
)
def test_bases_change_and_instances_follow(ab: AB, old: str, new: str, move: str) -> None:
    m, update = ab(bird(old))
    living, held = m.Bird(), m.Bird
    report = update(bird(new))
    assert m.Bird is held
    assert type(living) is held
    assert living.move() == m.Bird().move() == move
    assert [base.__name__ for base in m.Bird.__bases__] == new.strip("()").split(", ")
    assert "class-bases" in {change.kind for change in report.changes}


def test_bases_change_to_plain_object(ab: AB) -> None:
    m, update = ab(bird("(Walk)"))
    living = m.Bird()
    update(bird(""))
    assert not hasattr(living, "move")
    assert m.Bird.__bases__ == (object,)
    assert m.Bird not in m.Walk.__subclasses__()


def test_isinstance_follows_the_bases(ab: AB) -> None:
    m, update = ab(bird("(Walk)"))
    living = m.Bird()
    update(bird("(Fly)"))
    assert isinstance(living, m.Fly)
    assert not isinstance(living, m.Walk)


def test_subclasses_in_other_modules_follow_the_bases(program: Program) -> None:
    lib, app = program.load(lib=bird("(Walk)"), app="import @lib@\nclass Duck(@lib@.Bird):\n    pass\n")
    duck = app.Duck()
    program.update({"lib": bird("(Fly)")})
    assert duck.move() == "fly"
    assert app.Duck.__mro__ == (app.Duck, lib.Bird, lib.Fly, object)


def test_a_new_base_from_an_update_of_another_module(program: Program) -> None:
    lib, app = program.load(lib="X = 1\n", app="import @lib@\nclass Bird:\n    pass\n")
    living = app.Bird()
    program.update(
        {
            "app": "import @lib@\nclass Bird(@lib@.Swim):\n    pass\n",
            "lib": "X = 1\nclass Swim:\n    def move(self): return 'swim'\n",
        }
    )
    assert living.move() == "swim"
    assert app.Bird.__bases__ == (lib.Swim,)


def test_a_cooperative_super_chain_follows_the_new_order(ab: AB) -> None:
    text = """
        class Root:
            def chain(self): return ["root"]
        class One(Root):
            def chain(self): return ["one", *super().chain()]
        class Two(Root):
            def chain(self): return ["two", *super().chain()]
        class Both(One, Two):
            def chain(self): return ["both", *super().chain()]
        """
    m, update = ab(text)
    both = m.Both()
    update(text.replace("(One, Two)", "(Two, One)"))
    assert both.chain() == ["both", "two", "one", "root"]


def test_exceptions_change_their_bases(ab: AB) -> None:
    text = "class Base(Exception): pass\nclass Oops(Exception): pass\n"
    m, update = ab(text)
    old = m.Oops("why")
    update(text.replace("Oops(Exception)", "Oops(Base)"))
    with pytest.raises(m.Base) as caught:
        raise old
    assert caught.value is old
    assert old.args == ("why",)


def test_a_spelling_of_a_base_changes_nothing(ab: AB) -> None:
    m, update = ab(BASES + "import sys\nclass Bird(Walk): pass\n")
    living, held = m.Bird(), m.Bird
    update(BASES + "import sys\nclass Bird(sys.modules[__name__].Walk): pass\n")
    assert m.Bird is held
    assert living.move() == "walk"


def test_an_abstract_base_is_added(ab: AB) -> None:
    text = "from abc import ABC, abstractmethod\nclass Face(ABC):\n    @abstractmethod\n    def do(self): ...\n"
    m, update = ab(text + "class Thing:\n    def do(self): return 1\n")
    living = m.Thing()
    update(text + "class Thing(Face):\n    def do(self): return 2\n")
    assert isinstance(living, m.Face)
    assert living.do() == 2


def test_a_changed_builtin_base_makes_a_new_class(ab: AB) -> None:
    m, update = ab("class Box(int):\n    def what(self): return 'int'\n")
    old, held = m.Box(3), m.Box
    report = update("class Box(list):\n    def what(self): return 'list'\n")
    assert m.Box([1]) == [1]
    assert m.Box is not held
    assert type(old) is held
    assert old == 3
    assert "class-replaced" in report.to_json()


def test_importers_get_the_new_class_when_a_builtin_base_changed(program: Program) -> None:
    lib, app = program.load(lib="class Box(int): pass\n", app="from @lib@ import Box\ndef make(x): return Box(x)\n")
    program.update({"lib": "class Box(list): pass\n"})
    assert app.Box is lib.Box
    assert app.make([1]) == [1]


META = """
class Meta(type):
    def shout(cls): return cls.__name__.upper()
    def __len__(cls): return 12
"""


def test_a_metaclass_is_added(ab: AB) -> None:
    m, update = ab(META + "class Thing: pass\n")
    living, held = m.Thing(), m.Thing
    update(META + "class Thing(metaclass=Meta): pass\n")
    assert m.Thing is held
    assert type(held) is m.Meta
    assert m.Thing.shout() == "THING"
    assert len(m.Thing) == 12
    assert isinstance(living, m.Thing)


def test_a_metaclass_is_changed_for_another(ab: AB) -> None:
    text = META + "class Other(type):\n    def shout(cls): return 'other'\n"
    m, update = ab(text + "class Thing(metaclass=Meta): pass\n")
    living = m.Thing()
    update(text + "class Thing(metaclass=Other): pass\n")
    assert type(m.Thing) is m.Other
    assert m.Thing.shout() == "other"
    assert isinstance(living, m.Thing)


def test_a_method_of_the_metaclass_is_edited(ab: AB) -> None:
    text = META + "class Thing(metaclass=Meta): pass\n"
    m, update = ab(text)
    shout = m.Thing.shout
    update(text.replace(".upper()", ".lower()"))
    assert m.Thing.shout() == shout() == "thing"


def test_a_metaclass_new_in_this_update(ab: AB) -> None:
    m, update = ab("class Thing: pass\n")
    living = m.Thing()
    update(META + "class Thing(metaclass=Meta): pass\n")
    assert m.Thing.shout() == "THING"
    assert isinstance(living, m.Thing)


def test_abc_becomes_the_metaclass(ab: AB) -> None:
    m, update = ab("class Thing:\n    def do(self): return 1\n")
    living = m.Thing()
    update("from abc import ABC\nclass Thing(ABC):\n    def do(self): return 2\n")
    assert living.do() == 2
    m.Thing.register(int)
    assert isinstance(3, m.Thing)


def test_a_hook_that_is_new_is_not_run_for_classes_made_earlier(ab: AB) -> None:
    text = "SEEN = []\nclass Base:\n    pass\nclass Child(Base):\n    pass\n"
    m, update = ab(text)
    report = update(text.replace("Base:\n    pass", "Base:\n    def __init_subclass__(cls): SEEN.append(cls)", 1))
    assert m.SEEN == []
    assert "Child" in report.to_json()


def test_a_class_keyword_changes(ab: AB) -> None:
    text = "class Base:\n    def __init_subclass__(cls, tag): cls.tag = tag\nclass Child(Base, tag='old'): pass\n"
    m, update = ab(text)
    living = m.Child()
    update(text.replace("'old'", "'new'"))
    assert living.tag == "new"


def test_a_rollback_gives_the_bases_back(ab: AB) -> None:
    m, update = ab(bird("(Walk)"))
    living = m.Bird()
    update(bird("(Fly, Walk)")).rollback()
    gc.collect()
    assert m.Bird.__bases__ == (m.Walk,)
    assert living.move() == "walk"
    assert m.Bird not in m.Fly.__subclasses__()


def test_the_refusal_names_the_subclass_that_stands_in_the_way(program: Program) -> None:
    base, sub = program.load(
        base="class X: pass\nclass Y: pass\nclass A(X, Y): pass\n",
        sub="from @base@ import A, X, Y\nclass B(A, X, Y): pass\n",
    )
    failure = program.fails({"base": "class X: pass\nclass Y: pass\nclass A(Y, X): pass\n"}, rebottle.RefusedError)
    for part in (f"{base.__name__}.A", f"{sub.__name__}.B", "order", f"{base.__file__}, line 3"):
        assert part in str(failure)


@pytest.mark.parametrize(
    ("bases", "old", "new"),
    [
        ("class A: pass\n", "(A)", ""),
        ("class A: pass\n", "", "(A)"),
        ("class A: pass\nclass S: __slots__ = ()\n", "(A)", "(S)"),
        ("class A: pass\nclass S: __slots__ = ()\n", "(S)", "(A)"),
        ("import abc\nclass A(abc.ABC): pass\n", "(A)", ""),
        ("class A(dict): pass\n", "(A)", "(dict)"),
        ("class A(Exception): pass\n", "(A)", "(Exception)"),
    ],
)
def test_a_class_has_its_own_dict_and_weak_references_where_no_base_has(ab: AB, bases: str, old: str, new: str) -> None:
    m, update = ab(f"{bases}class K{old}: pass\nk = K()\nk.x = 1\n")
    before = vars(m.K).copy()
    report = update(f"{bases}class K{new}: pass\nk = K()\nk.x = 1\nother = K()\nother.x = 2\n")
    for it, x in [(m.k, 1), (m.other, 2)]:
        assert it.__dict__ == vars(it) == {"x": x}
        assert it.__weakref__ is None
        assert weakref.ref(it)() is it
        assert vars(copy.copy(it)) == {"x": x}
    report.rollback()
    assert {name: value for name, value in vars(m.K).items() if name != "__slotnames__"} == before  # of copy.copy()
    assert vars(m.k) == {"x": 1}


DECORATORS = """
class A: pass
def wraps(function):
    def inner(*a): return function(*a)
    return inner
def plain(function): return function
"""


@pytest.mark.parametrize("old", ["", "@wraps", "@plain", "@staticmethod", "@property", "@wraps\n    @wraps"])
@pytest.mark.parametrize("new", ["", "@wraps", "@plain", "@wraps\n    @wraps"])
def test_decorators_of_methods_change_with_the_bases(ab: AB, old: str, new: str) -> None:
    me = "" if old == "@staticmethod" else "self"
    m, update = ab(f"{DECORATORS}class K(A):\n    {old}\n    def f({me}): return 1\nk = K()\n")
    held = m.K.f
    report = update(f"{DECORATORS}class K:\n    {new}\n    def f(self, *, y=1): return 3\nk = K()\n")
    assert (m.K().f(), m.k.f()) == (3, 3)
    if old not in ("@staticmethod", "@property"):
        assert held(m.k) == 3
    report.rollback()
    assert m.K.f is held
    assert (m.k.f if old == "@property" else m.k.f()) == 1
