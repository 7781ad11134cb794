"""Section 5: what isn't data always follows the source, whatever the policy."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import AB, Program

POLICIES = pytest.mark.parametrize("policy", ["keep", "merge", "replace"])


@POLICIES
@pytest.mark.parametrize(
    ("old", "new", "name", "result"),
    [
        ("__all__ = ['a']", "__all__ = ['a', 'b']", "__all__", ["a", "b"]),
        ("__version__ = '1'", "__version__ = '2'", "__version__", "2"),
        ("'''Old.'''", "'''New.'''", "__doc__", "New."),
        ("__doc__ = 'old'", "__doc__ = 'new'", "__doc__", "new"),
        ("x: int", "x: str", "__annotations__", {"x": str}),
    ],
)
def test_the_names_of_the_language_follow(ab: AB, policy: str, old: str, new: str, name: str, result: object) -> None:
    m, update = ab(old + "\na = b = 1\n")
    update(new + "\na = b = 1\n", policy=policy)
    assert vars(m)[name] == result


@POLICIES
def test_functions_and_lambdas_follow(ab: AB, policy: str) -> None:
    m, update = ab("f = lambda: 1\ndef g(): return 1\n")
    f, g = m.f, m.g
    update("f = lambda: 2\ndef g(): return 2\n", policy=policy)
    assert m.f is f
    assert m.g is g
    assert (f(), g()) == (2, 2)


@POLICIES
def test_imported_names_follow(ab: AB, policy: str) -> None:
    m, update = ab("import math as lib\nfrom os.path import join as f\n")
    update("import cmath as lib\nfrom os.path import split as f\n", policy=policy)
    assert m.lib.__name__ == "cmath"
    assert m.f.__name__ == "split"


@POLICIES
def test_type_aliases_follow(ab: AB, policy: str) -> None:
    m, update = ab("from typing import TypeAlias\ntype A = int\nB: TypeAlias = int\n")
    update("from typing import TypeAlias\ntype A = str\nB: TypeAlias = str\n", policy=policy)
    assert m.A.__value__ is str
    assert m.B is str


@POLICIES
def test_a_name_for_a_class_follows(ab: AB, policy: str) -> None:
    text = "class A: pass\nclass B: pass\nDEFAULT = A\n"
    m, update = ab(text)
    update(text.replace("= A", "= B"), policy=policy)
    assert m.DEFAULT is m.B


@POLICIES
def test_descriptors_follow(ab: AB, policy: str) -> None:
    m, update = ab("class A:\n    size = property(lambda self: 1)\n")
    living = m.A()
    update("class A:\n    size = property(lambda self: 2)\n", policy=policy)
    assert living.size == 2


@POLICIES
def test_slots_match_args_and_hash_follow(ab: AB, policy: str) -> None:
    m, update = ab("class A:\n    __match_args__ = ('x',)\n    __hash__ = object.__hash__\n")
    update("class A:\n    __match_args__ = ('y',)\n    __hash__ = None\n", policy=policy)
    assert m.A.__match_args__ == ("y",)
    assert m.A.__hash__ is None


@POLICIES
def test_enum_members_follow(ab: AB, policy: str) -> None:
    m, update = ab("from enum import Enum\nclass E(Enum):\n    A = 1\n")
    a = m.E.A
    update("from enum import Enum\nclass E(Enum):\n    A = 2\n", policy=policy)
    assert a.value == 2


@POLICIES
def test_fields_of_dataclasses_and_named_tuples_follow(ab: AB, policy: str) -> None:
    text = """
        from dataclasses import dataclass
        from typing import NamedTuple
        @dataclass
        class D:
            x: int = 1
        class N(NamedTuple):
            x: int = 1
        """
    m, update = ab(text)
    update(text.replace("= 1", "= 2"), policy=policy)
    assert (m.D().x, m.N().x) == (2, 2)


@POLICIES
def test_a_function_that_becomes_data_follows(ab: AB, policy: str) -> None:
    m, update = ab("def limit(): return 1\n")
    update("limit = 5\n", policy=policy)
    assert m.limit == 5


@POLICIES
def test_data_that_becomes_a_function_follows(ab: AB, policy: str) -> None:
    m, update = ab("limit = 5\n")
    update("def limit(): return 1\n", policy=policy)
    assert m.limit() == 1


@POLICIES
def test_data_that_becomes_an_import_follows(program: Program, policy: str) -> None:
    lib, app = program.load(lib="limit = 7\n", app="import @lib@\nlimit = 5\n")
    program.update({"app": "from @lib@ import limit\n"}, policy=policy)
    assert app.limit is lib.limit


@POLICIES
def test_an_annotation_of_data_follows_and_its_value_by_policy(ab: AB, policy: str) -> None:
    m, update = ab("x: int = 1\n")
    update("x: float = 2\n", policy=policy)
    assert m.__annotations__ == {"x": float}
    assert m.x == (1 if policy == "keep" else 2)


def test_who_imported_a_name_of_the_language_follows(program: Program) -> None:
    _, app = program.load(conf="__version__ = '10.1'\n", app="from @conf@ import __version__ as v, __version__\n")
    report = program.update({"conf": "__version__ = '10.2'\n"})
    assert (app.v, app.__version__) == ("10.2", "10.2")
    report.rollback()
    assert (app.v, app.__version__) == ("10.1", "10.1")


@pytest.mark.parametrize("policy", ["keep", "merge", "replace"])
def test_an_annotation_that_is_gone_is_taken_away(ab: AB, policy: str) -> None:
    text = "x: int = 1\ny: int = 2\nclass C:\n    x: int = 1\n    y: int = 2\n"
    m, update = ab(text)
    update(text.replace("x: int", "x"), policy=policy)
    assert m.__annotations__ == m.C.__annotations__ == {"y": int}
    assert (m.x, m.C.x) == (1, 1)
