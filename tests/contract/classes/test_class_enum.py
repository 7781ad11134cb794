"""Section 4: enumerations keep their members."""

from __future__ import annotations

import copy
import pickle

import pytest

from tests.contract.api.scenario import AB, Program


def enum(members: str, base: str = "Enum") -> str:
    """An enumeration ``E``; ``members`` are separated by ``;``."""
    body = "".join(f"    {line}\n" for line in members.split("; "))
    return f"from enum import Enum, Flag, IntEnum, StrEnum, auto\nclass E({base}):\n{body}"


def test_members_keep_their_identity(ab: AB) -> None:
    m, update = ab(enum("A = 1; B = 2"))
    held, a, table = m.E, m.E.A, {m.E.A: "a", m.E.B: "b"}
    update(enum("A = 1; B = 2; C = 3"))
    assert m.E is held
    assert m.E.A is a
    assert table[m.E.A] == "a"
    assert table[m.E["B"]] == "b"
    assert m.E(1) is a
    assert isinstance(a, m.E)


def test_new_members_appear(ab: AB) -> None:
    m, update = ab(enum("A = 1"))
    a = m.E.A
    update(enum("A = 1; C = 3"))
    assert [each.name for each in m.E] == ["A", "C"]
    assert m.E(3) is m.E.C is m.E["C"] is a.__class__.C
    assert isinstance(m.E.C, m.E)
    assert m.E.C.value == 3


def test_a_changed_value_shows_on_the_old_member(ab: AB) -> None:
    m, update = ab(enum("A = 1; B = 2"))
    a = m.E.A
    update(enum("A = 10; B = 2"))
    assert m.E.A is a
    assert a.value == 10
    assert m.E(10) is a
    with pytest.raises(ValueError, match="1"):
        m.E(1)


def test_members_that_exchange_their_values(ab: AB) -> None:
    m, update = ab(enum("A = 1; B = 2"))
    a, b = m.E.A, m.E.B
    update(enum("A = 2; B = 1"))
    assert (a.value, b.value) == (2, 1)
    assert m.E(2) is a
    assert m.E(1) is b


def test_members_in_another_order(ab: AB) -> None:
    m, update = ab(enum("A = 1; B = 2"))
    a = m.E.A
    update(enum("B = 2; A = 1"))
    assert list(m.E) == [m.E.B, a]


def test_an_integer_enum_member_takes_the_new_value(ab: AB) -> None:
    m, update = ab(enum("A = 1; B = 2", "IntEnum"))
    update(enum("A = 5; B = 2", "IntEnum"))
    assert m.E.A == 5
    assert m.E(5) is m.E.A
    assert m.E.A + 1 == 6


def test_a_string_enum_and_auto(ab: AB) -> None:
    m, update = ab(enum("RED = auto(); BLUE = auto()", "StrEnum"))
    red = m.E.RED
    update(enum("RED = auto(); GREEN = auto(); BLUE = auto()", "StrEnum"))
    assert m.E.RED is red
    assert m.E("green") is m.E.GREEN
    assert [str(each) for each in m.E] == ["red", "green", "blue"]


def test_flags_combine_with_new_members(ab: AB) -> None:
    m, update = ab(enum("R = 1; W = 2", "Flag"))
    r = m.E.R
    update(enum("R = 1; W = 2; X = 4", "Flag"))
    assert m.E.R is r
    assert m.E.X in (r | m.E.X)
    assert (r | m.E.X).value == 5


def test_a_method_of_an_enumeration_changes(ab: AB) -> None:
    m, update = ab(enum("A = 1; def double(self): return self.value * 2"))
    a = m.E.A
    update(enum("A = 1; def double(self): return self.value * 20"))
    assert a.double() == 20
    assert m.E.A is a


def test_a_method_and_a_property_are_added(ab: AB) -> None:
    m, update = ab(enum("A = 1"))
    a = m.E.A
    update(enum("A = 1; def twice(self): return self.value * 2; @property; def half(self): return self.value / 2"))
    assert a.twice() == 2
    assert a.half == 0.5
    assert list(m.E) == [a]


def test_an_alias_appears(ab: AB) -> None:
    m, update = ab(enum("A = 1"))
    a = m.E.A
    update(enum("A = 1; FIRST = 1"))
    assert m.E.FIRST is a
    assert list(m.E) == [a]


def test_a_removed_member_stays_usable_for_its_holders(ab: AB) -> None:
    m, update = ab(enum("A = 1; B = 2"))
    b = m.E.B
    update(enum("A = 1"))
    assert b.name == "B"
    assert b.value == 2
    assert isinstance(b, m.E)
    assert m.E.A in list(m.E)


def test_pickling_copying_and_matching_go_on(ab: AB) -> None:
    m, update = ab(enum("A = 1"))
    a = m.E.A
    stored = pickle.dumps(a)
    update(enum("A = 1; C = 3"))
    assert pickle.loads(stored) is copy.deepcopy(a) is m.E.A
    match a:
        case m.E.C:
            raise AssertionError("the wrong member")
        case m.E.A:
            pass


def test_importers_and_defaults_hold_the_same_members(program: Program) -> None:
    lib, app = program.load(lib=enum("A = 1"), app="from @lib@ import E\nKIND = E.A\ndef f(kind=E.A): return kind\n")
    program.update({"lib": enum("A = 1; C = 3")})
    assert app.f() is app.KIND is lib.E.A
    assert app.E.C is lib.E.C


def test_a_set_of_members_goes_on(ab: AB) -> None:
    m, update = ab(enum("A = 1; B = 2"))
    chosen = {m.E.A, m.E.B}
    update(enum("A = 1; B = 7"))
    assert m.E.A in chosen
    assert m.E.B in chosen


def test_a_member_that_is_gone_is_gone_from_the_class(ab: AB) -> None:
    m, update = ab("import enum\nclass C(enum.Enum):\n    A = 1\n    B = 2\n")
    a, b = m.C.A, m.C.B
    report = update("import enum\nclass C(enum.Enum):\n    A = 1\n")
    assert list(m.C) == [a]
    assert not hasattr(m.C, "B")
    assert (b.name, isinstance(b, m.C)) == ("B", True)
    report.rollback()
    assert m.C.B is m.C(2) is b


def test_an_alias_becomes_a_member(ab: AB) -> None:
    m, update = ab("import enum\nclass C(enum.Enum):\n    A = 1\n    B = 1\n")
    a = m.C.A
    update("import enum\nclass C(enum.Enum):\n    A = 1\n    B = 2\n    D = 1\n")
    assert m.C.A is m.C.D is a
    assert (a.name, a.value) == ("A", 1)
    assert (m.C.B.name, m.C.B.value) == ("B", 2)
    assert list(m.C) == [a, m.C.B]


def test_what_a_flag_is_inverted_follows_and_goes_back(ab: AB) -> None:
    m, update = ab("import enum\nclass F(enum.Flag):\n    R = 1\n    W = 2\n")
    both = m.F.R | m.F.W
    assert ~m.F.R is m.F.W
    assert (~both).value == 0
    report = update("import enum\nclass F(enum.Flag):\n    R = 1\n    W = 2\n    X = 4\n")
    assert ~m.F.R == m.F.W | m.F.X
    assert ~both is m.F.X
    report.rollback()
    assert ~m.F.R is m.F.W
    assert (~both).value == 0


def test_tables_find_members_that_are_numbers_or_texts_under_their_new_values(program: Program) -> None:
    text = "class N(enum.IntEnum):\n    A = 1\n    B = 2\nclass S(enum.StrEnum):\n    T = 'old'\n"
    m, app = program.load(
        m="import enum\n" + text,
        app="""
            from @m@ import N, S
            table = {N.A: "a", N.B: "b", S.T: "t", (N.A, 0): "a0"}
            members = {N.A, N.B}
            """,
    )
    new = text.replace("A = 1", "A = 20").replace("B = 2", "B = 1").replace("'old'", "'new'")
    program.update({"m": "import enum\n" + new})
    assert [app.table[key] for key in (m.N.A, 20, m.N.B, 1, m.S.T, "new", (m.N.A, 0))] == [*"aabbtt", "a0"]
    assert {m.N.A, m.N.B} == app.members == {20, 1}
    assert 2 not in app.table
    assert m.N(20) is m.N.A
