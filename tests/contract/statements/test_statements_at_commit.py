"""Contract 2.4: a statement that would execute code being replaced is run at the commit instead."""

from __future__ import annotations

from typing import Any

import pytest

import rebottle

A = """
    class Point:
        def __init__(self): self.x = "old"
    def f(): return "old"
    it = Point()
"""
NEW_A = A.replace('"old"', '"new"')


def test_an_instance_of_a_class_whose_init_changed_has_the_new_version(ab: Any) -> None:
    m, update = ab(A)
    cls = m.Point
    update(NEW_A + "    other = Point()\n")
    assert m.other.x == "new"
    assert type(m.other) is m.Point is cls
    assert m.it.x == "old"


def test_statements_after_it_that_read_what_it_binds_are_run_after_it(ab: Any) -> None:
    m, update = ab(A)
    report = update(NEW_A + "    other = Point()\n    value = other.x + '!'\n    longer = value + '!'\n    free = 1\n")
    assert (m.value, m.longer, m.free) == ("new!", "new!!", 1)
    report.rollback()
    assert not {"other", "value", "longer", "free"} & vars(m).keys()
    assert m.Point().x == "old"


def test_an_instance_made_by_a_function_of_another_module_has_the_new_version(program: Any) -> None:
    _, m = program.load(
        tools="def build(cls): return cls()\n", m="import @tools@ as tools\n" + A.replace("\n    ", "\n")
    )
    program.update({"m": "import @tools@ as tools\n" + NEW_A.replace("\n    ", "\n") + "other = tools.build(Point)\n"})
    assert m.other.x == "new"
    assert type(m.other) is m.Point


def test_an_instance_appended_to_a_live_list_is_one_and_goes_back(ab: Any) -> None:
    m, update = ab(A + "    points = [it]\n")
    report = update(NEW_A + "    points = [it]\n    points.append(Point())\n")
    assert [point.x for point in m.points] == ["old", "new"]
    report.rollback()
    assert m.points == [m.it]


def test_a_statement_run_at_the_commit_that_fails_undoes_everything(ab: Any) -> None:
    m, update = ab(A + "    log = []\n")
    init, f = m.Point.__init__, m.f
    with pytest.raises(rebottle.ExecutionError) as caught:
        update(
            NEW_A
            + "    log = []\n    log.append('a')\n    other = Point()\n"
            + "    log.append(other.x)\n    1 / len(other.x[9:])\n"
        )
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert m.Point.__init__ is init
    assert m.f is f
    assert (m.f(), m.Point().x, m.log) == ("old", "old", [])
    assert not hasattr(m, "other")


def test_a_statement_through_a_hidden_holder_of_replaced_code_gets_the_new_code(ab: Any) -> None:
    a = "import functools\ndef f(x): return ('old', x)\npart = functools.partial(f, 1)\n"
    m, update = ab(a)
    update(a.replace("old", "new") + "result = part()\n")
    assert m.result == ("new", 1)


@pytest.mark.parametrize(
    "how", ["list(map(f, [1]))[0]", "sorted([1], key=f) and f(1)", "functools.reduce(lambda a, x: f(x), [1], 0)"]
)
def test_replaced_code_called_from_c_is_the_new_one(ab: Any, how: str) -> None:
    a = "import functools\ndef f(x): return ('old', x)\n"
    m, update = ab(a)
    update(a.replace("old", "new") + f"result = {how}\n")
    assert m.result == ("new", 1)


def test_each_such_statement_is_run_exactly_once(ab: Any) -> None:
    a = "log = []\nclass P:\n    def __init__(self): log.append('old')\n"
    m, update = ab(a)
    update(a.replace("'old'", "'new'") + "log.append('before')\np = P()\nlog.append(type(p).__name__)\n")
    assert sorted(m.log) == ["P", "before", "new"]
    assert m.log.index("new") < m.log.index("P")


def test_the_report_says_which_statements_ran_at_the_commit(ab: Any) -> None:
    _, update = ab(A)
    report = update(NEW_A + "    other = Point()\n")
    said = [change for change in report.changes if "commit" in str(change)]
    assert any("other" in str(change) for change in said), str(report)


def test_a_function_decorated_anew_by_a_decorator_that_changed_too_goes_back_and_forth(program: Any) -> None:
    deco = """
        def deco(n):
            def outer(f):
                def inner(): return (n, "old", f())
                return inner
            return outer
    """
    m = "from @deco@ import deco\n@deco(1)\ndef f(): return 'old'\n"
    _, live = program.load(deco=deco, m=m)
    held = live.f
    report = program.update({"deco": deco.replace("old", "new"), "m": m.replace("1", "2").replace("old", "new")})
    assert held() == live.f() == (2, "new", "new")
    back = report.rollback()
    assert held() == live.f() == (1, "old", "old")
    back.rollback()
    assert held() == live.f() == (2, "new", "new")


def test_what_another_module_takes_of_statements_run_at_the_commit_waits_too(program: Any) -> None:
    _, app = program.load(a_lib=A.replace("\n    ", "\n"), app="from @a_lib@ import Point, f\n")
    report = program.update(
        {
            "app": "from @a_lib@ import Point, f, other\nimport @a_lib@ as lib\n"
            "same = lib.other\nxs = [p.x for p in (other, Point())]\n",
            "a_lib": NEW_A.replace("\n    ", "\n") + "other = Point()\n",
        }
    )
    assert app.xs == ["new", "new"]
    assert app.same is app.other is app.lib.other
    kept = [(each.where, each.why) for each in report.kept]
    assert len(kept) == len(set(kept))


@pytest.mark.parametrize(("old", "new"), [("@D\n", ""), ("", "@D\n"), ("@D\n", "@D\n"), ("@D\n@D\n", "@D\n")])
def test_a_definition_run_at_the_commit_keeps_what_others_hold(program: Any, old: str, new: str) -> None:
    decorator = "def D(f):\n    def inner(*a): return f(*a)\n    return inner\n"
    lib = "class A:\n    def __call__(self): return {}\nclass B(A): pass\n"
    _, m = program.load(lib=lib.format(1), m=f"import @lib@\n{decorator}{old}def f(a=1): return 1\n")
    held = m.f
    waits = f"{new}def f(a=@lib@.B()()): return a\n"
    report = program.update({"lib": lib.format(2), "m": f"import @lib@\n{decorator}{waits}"})
    assert "run-at-commit" in [change.kind for change in report.changes]
    assert m.f is held
    assert held() == 2
    report.rollback()
    assert m.f is held
    assert held() == 1
