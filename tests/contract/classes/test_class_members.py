"""Section 4: existing instances get new, changed and removed members of every kind."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import AB, Program

PLAIN = """
class Player:
    def __init__(self):
        self.health = 10
    def hit(self):
        return 1
"""


def test_the_class_object_stays(ab: AB) -> None:
    m, update = ab(PLAIN)
    held = m.Player
    update(PLAIN.replace("return 1", "return 2"))
    assert m.Player is held
    assert held().hit() == 2


def test_existing_instances_get_a_changed_method(ab: AB) -> None:
    m, update = ab(PLAIN)
    player, hit = m.Player(), m.Player.hit
    bound = player.hit
    update(PLAIN.replace("return 1", "return 2"))
    assert player.hit() == bound() == hit(player) == 2
    assert m.Player.hit is hit
    assert type(player) is m.Player


def test_existing_instances_get_a_new_method(ab: AB) -> None:
    m, update = ab(PLAIN)
    player = m.Player()
    update(PLAIN + "    def heal(self):\n        return self.health + 5\n")
    assert player.heal() == 15
    assert m.Player.heal.__qualname__ == "Player.heal"
    assert m.Player.heal.__module__ == m.__name__
    assert m.Player.heal.__globals__ is vars(m)


def test_a_new_method_finds_the_names_of_the_module(ab: AB) -> None:
    m, update = ab(PLAIN)
    player = m.Player()
    update("import math\nBONUS = 3\n" + PLAIN + "    def heal(self):\n        return math.floor(0.5) + BONUS\n")
    assert player.heal() == 3


def test_a_removed_method_stays_by_default(ab: AB) -> None:
    m, update = ab(PLAIN + "    def old(self):\n        return 'old'\n")
    player = m.Player()
    update(PLAIN)
    assert player.old() == "old"


def test_a_removed_method_is_gone_under_prune_and_usable_for_its_holders(ab: AB) -> None:
    m, update = ab(PLAIN + "    def old(self):\n        return 'old'\n")
    player = m.Player()
    held = player.old
    update(PLAIN, prune=True)
    assert not hasattr(player, "old")
    assert held() == "old"


def test_a_removed_method_is_gone_under_del_func_in_the_class(ab: AB) -> None:
    m, update = ab(
        PLAIN + "    def old(self):\n        return 'old'\nclass Other:\n    def old(self):\n        return 1\n"
    )
    player, other = m.Player(), m.Other()
    update(PLAIN + "    _del_func = True\nclass Other:\n    pass\n")
    assert not hasattr(player, "old")
    assert other.old() == 1


def test_a_removed_method_that_is_inherited_now_is_taken_out(ab: AB) -> None:
    m, update = ab("""
        class Base:
            def name(self): return "base"
        class Child(Base):
            def name(self): return "child"
        """)
    child = m.Child()
    update("""
        class Base:
            def name(self): return "base"
        class Child(Base):
            pass
        """)
    assert child.name() == "base"
    assert "name" not in vars(m.Child)


def test_a_method_that_the_program_added_stays(ab: AB) -> None:
    m, update = ab(PLAIN)
    m.Player.patched = lambda self: "patched"
    player = m.Player()
    update(PLAIN.replace("return 1", "return 2"), prune=True)
    assert player.patched() == "patched"
    assert player.hit() == 2


def test_a_classmethod_added_and_changed(ab: AB) -> None:
    m, update = ab("""
        class Player:
            @classmethod
            def make(cls): return cls, 1
        """)
    make, player = m.Player.make, m.Player()
    update("""
        class Player:
            @classmethod
            def make(cls): return cls, 2
            @classmethod
            def more(cls): return cls, 3
        """)
    assert make() == player.make() == (m.Player, 2)
    assert player.more() == (m.Player, 3)


def test_a_staticmethod_added_and_changed(ab: AB) -> None:
    m, update = ab("""
        class Player:
            @staticmethod
            def rule(x): return x + 1
        """)
    rule, player = m.Player.rule, m.Player()
    update("""
        class Player:
            @staticmethod
            def rule(x): return x + 2
            @staticmethod
            def more(x): return x + 3
        """)
    assert rule(0) == player.rule(0) == 2
    assert player.more(0) == 3
    assert m.Player.rule is rule


def test_a_changed_property(ab: AB) -> None:
    m, update = ab("""
        class Player:
            @property
            def level(self): return 1
        """)
    player, held = m.Player(), m.Player.level
    update("""
        class Player:
            @property
            def level(self): return 2
        """)
    assert player.level == 2
    assert held.fget(player) == 2


def test_a_new_property_with_setter_and_deleter(ab: AB) -> None:
    m, update = ab("class Player:\n    _level = 0\n")
    player = m.Player()
    update("""
        class Player:
            _level = 0
            @property
            def level(self): return self._level
            @level.setter
            def level(self, value): self._level = value * 10
            @level.deleter
            def level(self): self._level = -1
        """)
    player.level = 3
    assert player.level == 30
    del player.level
    assert player.level == -1


def test_an_edited_setter_keeps_getter_and_setter_apart(ab: AB) -> None:
    text = """
        class Player:
            @property
            def level(self): return self._level
            @level.setter
            def level(self, value): self._level = value
        """
    m, update = ab(text)
    player = m.Player()
    player.level = 1
    update(text.replace("= value", "= value * 2"))
    assert player.level == 1
    player.level = 4
    assert player.level == 8


def test_a_property_gets_and_loses_its_setter(ab: AB) -> None:
    read = "class Player:\n    @property\n    def level(self): return 1\n"
    write = read + "    @level.setter\n    def level(self, value): self.seen = value\n"
    m, update = ab(read)
    player = m.Player()
    update(write)
    player.level = 7
    assert player.seen == 7
    update(read)
    try:
        player.level = 8
    except AttributeError:
        pass
    else:
        raise AssertionError("the setter is still there")


def test_set_name_is_called_for_a_new_descriptor(ab: AB) -> None:
    text = """
        class Field:
            calls = []
            def __set_name__(self, owner, name):
                self.name = name
                self.calls.append((owner, name))
            def __get__(self, instance, owner): return self.name
        class Player:
            one = Field()
        """
    m, update = ab(text)
    player = m.Player()
    update(text + "    two = Field()\n")
    assert (player.one, player.two) == ("one", "two")
    assert m.Field.calls.count((m.Player, "two")) == 1


def test_an_edited_descriptor_class_shows_in_its_users(ab: AB) -> None:
    text = """
        class Field:
            def __get__(self, instance, owner): return "old"
        class Player:
            one = Field()
        """
    m, update = ab(text)
    player, field = m.Player(), vars(m.Player)["one"]
    update(text.replace('"old"', '"new"'))
    assert player.one == "new"
    assert vars(m.Player)["one"] is field


def test_a_cached_property_changes_for_those_that_have_not_read_it(ab: AB) -> None:
    text = """
        from functools import cached_property
        class Player:
            @cached_property
            def level(self): return 1
        """
    m, update = ab(text)
    read, unread = m.Player(), m.Player()
    assert read.level == 1
    update(text.replace("return 1", "return 2"))
    assert (read.level, unread.level) == (1, 2)


def test_a_nested_class_is_changed_and_stays(ab: AB) -> None:
    m, update = ab("""
        class Player:
            class Bag:
                def size(self): return 1
        """)
    bag, held = m.Player.Bag(), m.Player.Bag
    update("""
        class Player:
            class Bag:
                def size(self): return 2
                def more(self): return 3
            class Pet:
                def name(self): return "cat"
        """)
    assert (bag.size(), bag.more()) == (2, 3)
    assert m.Player.Bag is held
    assert m.Player.Pet().name() == "cat"
    assert m.Player.Pet.__qualname__ == "Player.Pet"


def test_private_names_are_those_of_the_class(ab: AB) -> None:
    text = "class Player:\n    def __secret(self): return 1\n    def ask(self): return self.__secret()\n"
    m, update = ab(text)
    player = m.Player()
    update(text.replace("return 1", "return 2") + "    def again(self): return self.__secret() + 10\n")
    assert (player.ask(), player.again()) == (2, 12)


def test_a_method_removed_and_given_back_is_there_again(ab: AB) -> None:
    more = PLAIN + "    def heal(self): return 5\n"
    m, update = ab(more)
    player = m.Player()
    update(PLAIN, prune=True)
    update(more.replace("return 5", "return 6"))
    assert player.heal() == 6


MOVED = {
    "in one module": (
        "class A:\n    pass\nclass B(A):\n    def f(self): return 1\n",
        "class A:\n    def f(self): return 2\nclass B(A):\n    pass\n",
    ),
    "over a class between": (
        "class A:\n    pass\nclass C(A): pass\nclass B(C):\n    def f(self): return 1\n    x = 1\n",
        "class A:\n    def f(self): return 2\nclass C(A): pass\nclass B(C):\n    x = 1\n",
    ),
    "to a new base of the base": (
        "class A:\n    pass\nclass B(A):\n    def f(self): return 1\n",
        "class Z:\n    def f(self): return 2\nclass A(Z):\n    pass\nclass B(A):\n    pass\n",
    ),
    "with new bases": (
        "class A: pass\nclass B(A):\n    def f(self): return 1\n",
        "class A: pass\nclass Z:\n    def f(self): return 2\nclass B(Z, A):\n    pass\n",
    ),
    "that had two definitions": (
        "class A:\n    pass\nclass B(A):\n    def f(self): return 0\n    def f(self): return 1\n",
        "class A:\n    def f(self): return 2\nclass B(A):\n    pass\n",
    ),
    "to an attribute": (
        "class A:\n    pass\nclass B(A):\n    def f(self): return 1\n",
        "class A:\n    f = staticmethod(lambda: 2)\nclass B(A):\n    pass\n",
    ),
}


@pytest.mark.parametrize(("old", "new"), MOVED.values(), ids=MOVED)
def test_a_method_that_moves_to_a_base_is_inherited(ab: AB, old: str, new: str) -> None:
    m, update = ab(old + "b = B()\n")
    report = update(new + "b = B()\n")
    assert (m.b.f(), m.B().f()) == (2, 2)
    assert "f" not in vars(m.B)
    report.rollback()
    assert (m.b.f(), m.B().f()) == (1, 1)
    assert not hasattr(m.A, "f")


def test_a_method_that_moves_to_a_base_in_another_module_is_inherited(program: Program) -> None:
    _, m = program.load(
        lib="class A: pass\n", m="import @lib@\nclass B(@lib@.A):\n    def f(self): return 1\nb = B()\n"
    )
    texts = {"lib": "class A:\n    def f(self): return 2\n", "m": "import @lib@\nclass B(@lib@.A): pass\nb = B()\n"}
    report = program.update(texts)
    assert (m.b.f(), m.B().f()) == (2, 2)
    assert report.kept == []


def test_a_method_that_both_classes_lack_stays_and_is_told(ab: AB) -> None:
    m, update = ab("class A:\n    def f(self): return 0\nclass B(A):\n    def f(self): return 1\n")
    report = update("class A: pass\nclass B(A): pass\n", prune=False)
    assert m.A().f() == 0
    assert "f" not in vars(m.B)
    assert [each.where.partition(".")[2] for each in report.kept] == ["A.f"]
