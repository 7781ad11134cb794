"""Section 6.6: rollback gives back the state before."""

from __future__ import annotations

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program


def version(n: int) -> str:
    """A module with one of everything, in version ``n``."""
    return f"""
import math
X = {n}
T = {{'n': {n}}}
def f(a={n}, *, b={n}):
    "Doc {n}."
    return {n}
class Base{n}: pass
class C(Base{n}):
    size = {n}
    def g(self): return {n}
    @property
    def p(self): return {n}
def only_{n}(): return {n}
"""


def test_the_same_objects_have_their_old_content(ab: AB) -> None:
    m, update = ab(version(1))
    f, c, g, table, one = m.f, m.C, m.C.g, m.T, m.C()
    report = update(version(2), policy="replace")
    assert (f(), one.g(), one.p, table) == (2, 2, 2, {"n": 2})
    report.rollback()
    assert (m.f, m.C, m.C.g, m.T) == (f, c, g, table)
    assert (f(), f.__defaults__, f.__kwdefaults__, f.__doc__) == (1, (1,), {"b": 1}, "Doc 1.")
    assert (one.g(), one.p, one.size, table, m.X) == (1, 1, 1, {"n": 1}, 1)
    assert c.__bases__ == (m.Base1,)


def test_names_that_the_update_added_are_gone(ab: AB) -> None:
    m, update = ab(version(1))
    held = update(version(2))
    only = m.only_2
    held.rollback()
    assert not hasattr(m, "only_2")
    assert not hasattr(m, "Base2")
    assert only() == 2
    assert m.only_1() == 1


def test_names_that_were_pruned_are_back(ab: AB) -> None:
    m, update = ab(version(1))
    report = update(version(2), prune=True)
    assert not hasattr(m, "only_1")
    report.rollback()
    assert m.only_1() == 1


def test_what_the_program_did_meanwhile_to_other_data_stays(ab: AB) -> None:
    m, update = ab("X = 1\nOTHER = {}\ncount = 0\ndef f(): return 1\n")
    report = update("X = 2\nOTHER = {}\ncount = 0\ndef f(): return 2\n", policy="replace", undo=False)
    m.OTHER["live"] = 1
    m.count = 7
    report.rollback()
    assert (m.X, m.f(), m.OTHER, m.count) == (1, 1, {"live": 1}, 7)


def test_an_entry_that_both_changed_stays_as_the_program_left_it_and_is_reported(ab: AB) -> None:
    m, update = ab("X = 1\nT = {'a': 1}\n")
    report = update("X = 2\nT = {'a': 2}\n", policy="replace", undo=False)
    m.X = 7
    m.T["a"] = 8
    back = report.rollback()
    assert (m.X, m.T) == (7, {"a": 8})
    assert "X" in back.to_json()
    assert any(kept.where.endswith(".X") for kept in back.kept)


def test_rollback_undoes_what_the_statements_did_elsewhere(program: Program) -> None:
    lib, _ = program.load(lib="REG = {}\n", app="import @lib@ as lib\n")
    report = program.update({"app": "import @lib@ as lib\ndef f(): return 1\nlib.REG['f'] = f\n"}, undo=False)
    lib.REG["live"] = 1
    report.rollback()
    assert lib.REG == {"live": 1}


def test_the_last_one_first_is_allowed(ab: AB) -> None:
    m, update = ab(version(1))
    first, second = update(version(2)), update(version(3))
    second.rollback()
    assert m.f() == 2
    first.rollback()
    assert m.f() == 1
    assert not first.in_force
    assert not second.in_force


def test_out_of_order_is_refused_without_cascade(ab: AB) -> None:
    m, update = ab(version(1))
    first, second = update(version(2)), update(version(3))
    with pytest.raises(rebottle.RefusedError) as caught:
        first.rollback()
    assert m.f() == 3
    assert first.in_force
    assert second.in_force
    assert any("f" in refusal.where for refusal in caught.value.refusals)
    assert "cascade" in str(caught.value)


def test_cascade_undoes_the_later_ones_too(ab: AB) -> None:
    m, update = ab(version(1))
    first, second = update(version(2)), update(version(3))
    back = first.rollback(cascade=True)
    assert back.ok
    assert m.f() == 1
    assert not first.in_force
    assert not second.in_force


def test_out_of_order_is_allowed_where_the_definitions_differ(ab: AB) -> None:
    m, update = ab("def f(): return 1\ndef g(): return 1\n")
    first = update("def f(): return 2\ndef g(): return 1\n", undo=False)
    second = update("def f(): return 2\ndef g(): return 2\n", undo=False)
    first.rollback()
    assert (m.f(), m.g()) == (1, 2)
    second.rollback()
    assert (m.f(), m.g()) == (1, 1)


def test_a_rollback_can_be_undone_through_its_own_report(ab: AB) -> None:
    m, update = ab(version(1))
    f = m.f
    report = update(version(2), policy="replace", undo=False)
    back = report.rollback()
    assert back.kind == "rollback"
    again = back.rollback()
    assert m.f is f
    assert (f(), m.X, m.T, m.only_2()) == (2, 2, {"n": 2}, 2)
    again.rollback()
    assert (f(), m.X) == (1, 1)


def test_rollback_without_a_report_undoes_the_last_one_in_force(ab: AB) -> None:
    m, update = ab(version(1))
    update(version(2))
    update(version(3))
    rebottle.rollback()
    assert m.f() == 2
    rebottle.rollback()
    assert m.f() == 1


def test_a_second_rollback_of_one_report_is_refused(ab: AB) -> None:
    m, update = ab(version(1))
    report = update(version(2))
    report.rollback()
    with pytest.raises(rebottle.UpdateError):
        report.rollback()
    assert m.f() == 1


def test_a_rollback_undoes_all_modules_of_the_update(program: Program) -> None:
    one, two = program.load(one=version(1), two=version(1))
    program.update({"one": version(2), "two": version(2)}).rollback()
    assert one.f() == two.f() == 1


def test_after_a_rollback_the_source_is_the_change_again(ab: AB) -> None:
    m, update = ab(version(1))
    update(version(2)).rollback()
    report = update(version(2))
    assert m.f() == 2
    assert list(report.changes)


def test_the_report_of_a_rollback_names_what_it_changed(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    back = update("def f(): return 2\n").rollback()
    assert back.ok
    assert any(change.where == f"{m.__name__}.f" for change in back.changes)
    assert list(back.modules) == [m.__name__]


def test_line_numbers_and_source_go_back(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    update("# one\n# two\ndef f(): return 2\n").rollback()
    assert m.f.__code__.co_firstlineno == 1


def test_a_hotfix_is_rolled_back(ab: AB) -> None:
    m, _ = ab("def f(): return 1\nT = {'a': 1}\n")
    held = m.f
    report = rebottle.hotfix(f"import {m.__name__} as m\ndef f(): return 2\nm.f = f\nm.T['a'] = 2\n")
    assert (held(), m.T) == (2, {"a": 2})
    report.rollback()
    assert m.f is held
    assert (held(), m.T) == (1, {"a": 1})


def test_what_statements_did_elsewhere_is_done_again_without_the_programs_hooks(program: Program) -> None:
    lib, app = program.load(
        lib="""
            import collections
            order = collections.OrderedDict(a=1, b=2)
            class C:
                set = []
                @property
                def value(self): return self.hidden
                @value.setter
                def value(self, new):
                    self.hidden = new
                    C.set.append(new)
            c = C()
            c.value = 1
            """,
        app="import @lib@ as lib\n",
    )
    more = "lib.order.move_to_end('a')\nlib.c.value = 2\n"
    report = program.update({"app": "import @lib@ as lib\n" + more}, undo=False)
    for _ in range(2):
        assert (list(lib.order), lib.c.hidden, lib.C.set) == (["b", "a"], 2, [1, 2])
        undone = report.rollback()
        assert (list(lib.order), lib.c.hidden, lib.C.set) == (["a", "b"], 1, [1])
        report = undone.rollback()
    assert app.lib is lib


@pytest.mark.parametrize("name", ["inst", "_inst"])
def test_an_attribute_that_the_class_and_a_statement_of_one_update_set(ab: AB, name: str) -> None:
    m, update = ab("class K:\n    def __init__(self): self.a = 1\n")
    living = m.K()
    report = update(
        f"class K:\n    {name} = None\n    def __init__(self):\n        self.a = 2\n        self.b = 0\n"
        f"p = K()\nK.{name} = p\nK.more = [p]\n",
        undo=False,
    )
    assert getattr(m.K, name) is m.p is getattr(living, name)
    for _ in range(3):
        back = report.rollback()
        assert not hasattr(m.K, name)
        assert vars(living) == {"a": 1}
        report = back.rollback()
        assert getattr(m.K, name) is m.p is m.K.more[0]
    setattr(m.K, name, "set by the program")
    assert report.rollback().kept
    assert getattr(m.K, name) == "set by the program"


@pytest.mark.parametrize("form", ["class K(A):\n    def f(self{}): return {}\n", "def f({}): return {}\n"])
@pytest.mark.parametrize("last", ["def f(*, y=1): return 3", "@D\ndef f(*, y=1): return 3"])
def test_an_edit_after_rollbacks_finds_the_functions_that_are_in_use(program: Program, form: str, last: str) -> None:
    """What an update made and a rollback took away may still be alive."""
    start = "class A: pass\ndef D(function): return lambda *a: function(*a)\n"
    inside = form.startswith("class")
    with_f = start + form.format("", 1)
    lines = last.replace("*,", "self, *,") if inside else last
    end = start + ("class K:\n" + "".join(f"    {line}\n" for line in lines.splitlines()) if inside else lines + "\n")
    m, user = program.load(m=start, user="import @m@\n")
    rollbacks = []
    for _ in range(3):
        taken = "from @m@ import K\n" if inside else "from @m@ import f\n"
        report = program.update({"m": with_f, "user": "import @m@\n" + taken}, undo=False)
        rollbacks.append(m.K if inside else m.f)
        report.rollback()
    program.update({"m": with_f, "user": "import @m@\n" + taken})
    program.update({"m": end, "user": "import @m@\n" + taken}, prune=True)
    for space in (m, user):
        assert (space.K().f() if inside else space.f()) == 3
    assert (m.K if inside else m.f) is (user.K if inside else user.f)
