"""Section 4: private names, which Python stores with the name of their class, follow like any others."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import AB, named


def test_members_of_every_kind(ab: AB) -> None:
    m, update = ab(
        "class K:\n"
        "    def __method(self): return 1\n"
        "    @property\n    def __property(self): return 1\n"
        "    class __Inner:\n        def value(self): return 1\n"
        "    def all(self): return self.__method(), self.__property, self.__Inner().value()\n"
    )
    living, method, inner = m.K(), m.K()._K__method, m.K._K__Inner
    held = inner()
    update(
        "class K:\n"
        "    def __method(self, more=2): return 1 + more\n"
        "    @property\n    def __property(self): return 2\n"
        "    @staticmethod\n    def __new(): return 4\n"
        "    class __Inner:\n        extra = 2\n        def value(self): return self.extra\n"
        "    def all(self): return self.__method(), self.__property, self.__Inner().value(), self.__new()\n"
    )
    assert living.all() == (3, 2, 2, 4)
    assert (method(), held.value()) == (3, 2)
    assert m.K._K__Inner is inner


BODY = "class _K:\n    __limit = %d\n    __table = %r\n    def all(self): return self.__limit, self.__table\n"


@pytest.mark.parametrize("decorator", ["", "@same\n"])
def test_data_follows_the_policy(ab: AB, decorator: str) -> None:
    head = "def same(c): return c\n"
    m, update = ab(head + BODY % (1, {"a": 1}))
    living, table = m._K(), m._K._K__table
    report = update(head + decorator + BODY % (2, {"a": 1, "b": 2}))
    assert living.all() == (1, {"a": 1})
    assert named(report.kept, "limit")
    update(head + decorator + BODY % (3, {"a": 1, "b": 3}), policy="replace")
    assert living.all() == (3, {"a": 1, "b": 3})
    assert decorator or m._K._K__table is table


def test_data_that_is_named_in_the_source(ab: AB) -> None:
    body = "    __limit = %d\n    def limit(self): return self.__limit\n"
    m, update = ab("class K:\n" + body % 1)
    update("class K:\n    _reload_data = {'__limit'}\n" + body % 2)
    assert m.K().limit() == 2


def test_names_that_are_gone(ab: AB) -> None:
    m, update = ab("class K:\n    __limit: int = 1\n    def __method(self): pass\n    def all(self): pass\n")
    update("class K:\n    def all(self): pass\n", prune=True)
    assert [name for name in vars(m.K) if name.startswith("_K")] == []
    assert m.K.__annotations__ == {}


def test_attributes_that_init_gives(ab: AB) -> None:
    m, update = ab("class _K:\n    def __init__(self): self.a = 1\n    def all(self): return self.a\n")
    living = m._K()
    update(
        "class _K:\n"
        "    def __init__(self):\n        self.a = 1\n        self.__own = []\n        self.__mana__ = 5\n"
        "    def all(self): return self.a, self.__own, self.__mana__\n"
    )
    assert living.all() == (1, [], 5)
    assert vars(living) == {"a": 1, "_K__own": [], "__mana__": 5}


def test_private_slots(ab: AB) -> None:
    m, update = ab("class K:\n    __slots__ = 'a'\n    def __init__(self): self.a = 1\n")
    living = m.K()
    update(
        "class K:\n    __slots__ = {'a': 'seen', '__b': 'private'}\n"
        "    def __init__(self):\n        self.a = 1\n        self.__b = 2\n"
        "    def all(self): return self.a, self.__b\n"
    )
    assert living.all() == (1, 2)


def test_private_fields(ab: AB) -> None:
    head = "from dataclasses import dataclass, field\n@dataclass\nclass K:\n    __a: int = 1\n"
    m, update = ab(head)
    living = m.K(5)
    update(head + "    __b: list = field(default_factory=list)\n    def all(self): return self.__a, self.__b\n")
    assert living.all() == (5, [])
