"""Section 6.4: what cannot be updated soundly is refused, with rule, place, reason and what to do."""

from __future__ import annotations

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program

OLD = "X = print('', end='')\ndef f(): return 'old'\n"
TOP = "X = print('', end='', flush=True)\ndef f(): return 'new'\n"


def test_a_refusal_has_rule_place_reason_and_advice(program: Program) -> None:
    name = program.bytecode("dark", OLD)
    dark = program.world.load(name)
    program.bytecode("dark", TOP)
    with pytest.raises(rebottle.RefusedError) as caught:
        rebottle.reload(name)
    assert dark.f() == "old"
    [refusal] = caught.value.refusals
    assert refusal.where.startswith(name)
    assert refusal.rule
    assert refusal.why
    assert refusal.what_to_do
    assert refusal.rule in str(caught.value)


def test_nothing_is_applied_under_error(program: Program) -> None:
    name = program.bytecode("dark", OLD)
    dark = program.world.load(name)
    [light] = program.load(light="def f(): return 'old'\n")
    program.bytecode("dark", TOP)
    names = program.write({"light": "def f(): return 'new'\n"})
    with pytest.raises(rebottle.RefusedError):
        rebottle.reload([*names, name])
    assert light.f() == dark.f() == "old"


def test_the_rest_is_applied_and_reported_under_partial(program: Program) -> None:
    name = program.bytecode("dark", OLD)
    program.world.load(name)
    [light] = program.load(light="def f(): return 'old'\n")
    program.bytecode("dark", TOP)
    names = program.write({"light": "def f(): return 'new'\n"})
    report = program.reload([*names, name], on_refusal="partial")
    assert light.f() == "new"
    assert any(refusal.where.startswith(name) for refusal in report.refusals)
    assert any(change.where.endswith(".f") for change in report.changes)


def test_the_rule_of_a_refusal_is_stable(program: Program) -> None:
    rules = set()
    for stem in ("dark", "night"):
        name = program.bytecode(stem, OLD)
        program.world.load(name)
        program.bytecode(stem, TOP)
        with pytest.raises(rebottle.RefusedError) as caught:
            rebottle.reload(name)
        rules.add(caught.value.refusals[0].rule)
    assert len(rules) == 1


def test_a_plan_lists_the_refusal(program: Program) -> None:
    name = program.bytecode("dark", OLD)
    program.world.load(name)
    program.bytecode("dark", TOP)
    plan = rebottle.plan(name)
    assert [refusal.where.startswith(name) for refusal in plan.refusals] == [True]


HASHED = """
CALLS = []
class P:
    __slots__ = ({slots})
    def __init__(self, x): self.x = x
    def __hash__(self):
        CALLS.append("hash")
        return 1
    def __eq__(self, other):
        CALLS.append("eq")
        return self is other
class Mix: pass
"""


def test_no_users_hash_or_eq_is_called_by_an_update(ab: AB) -> None:
    m, update = ab(HASHED.replace("{slots}", "'x',"))
    one = m.P(1)
    table, group = {one: "value"}, {one}
    m.CALLS.clear()
    try:
        update(HASHED.replace("{slots}", "'x', 'y'"), undo=False)
    except rebottle.RefusedError as error:
        assert list(error.refusals) != []
    assert m.CALLS == []
    assert table[one] == "value"
    assert one in group


def test_a_metaclass_with_its_own_hash_is_not_asked(ab: AB) -> None:
    text = """
        CALLS = []
        class Meta(type):
            def __hash__(cls):
                CALLS.append(1)
                return 5
            def __eq__(cls, other):
                CALLS.append(2)
                return cls is other
        class Mix: pass
        class C(metaclass=Meta): pass
        """
    m, update = ab(text)
    table = {m.C: 1}
    m.CALLS.clear()
    try:
        update(text.replace("C(metaclass", "C(Mix, metaclass"), undo=False)
    except rebottle.RefusedError as error:
        assert list(error.refusals) != []
    assert m.CALLS == []
    assert table[m.C] == 1


def test_a_getattr_or_setattr_of_the_user_is_not_called(ab: AB) -> None:
    text = """
        CALLS = []
        class C:
            def __init__(self): object.__setattr__(self, "x", 1)
            def __setattr__(self, name, value): CALLS.append(name)
            def __getattribute__(self, name):
                CALLS.append(name)
                return object.__getattribute__(self, name)
        """
    m, update = ab(text)
    one = m.C()
    m.CALLS.clear()
    update(text.replace('"x", 1)', '"x", 1); self.y = 2'))
    assert m.CALLS == []
    assert object.__getattribute__(one, "x") == 1


def test_the_finalizers_of_replaced_objects_run_after_the_commit(ab: AB) -> None:
    text = """
        SEEN = []
        class Res:
            def __del__(self): SEEN.append((A, B, f()))
        {0}
        def f(): return {1}
        """
    m, update = ab(text.format("A = Res()\n        B = 1", 1))
    update(text.format("A = 2\n        B = 2", 2), policy="replace", undo=False)
    assert [seen for seen in m.SEEN if seen != (2, 2, 2)] == []
