"""Section 5: data that is computed from renewed data or by changed code."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import AB, Program, named

BOTH = pytest.mark.parametrize("policy", ["merge", "replace"])
RIGHT_SIDES = [
    ("BASE * 2", 20, 40),
    ("[n for n in range(BASE)][-1]", 9, 19),
    ("f'{BASE} items'", "10 items", "20 items"),
    ("max(BASE, 1)", 10, 20),
    ("(BASE, 'x')", (10, "x"), (20, "x")),
    ("{'limit': BASE}", {"limit": 10}, {"limit": 20}),
    ("tuple(sorted({BASE, 1}))", (1, 10), (1, 20)),
    ("BASE if BASE > 15 else 0", 0, 20),
    ("-BASE", -10, -20),
]


@BOTH
@pytest.mark.parametrize(("expression", "old", "new"), RIGHT_SIDES)
def test_an_unchanged_assignment_that_reads_a_renewed_constant_is_evaluated_again(
    ab: AB, policy: str, expression: str, old: object, new: object
) -> None:
    m, update = ab(f"BASE = 10\nD = {expression}\n")
    assert old == m.D
    report = update(f"BASE = 20\nD = {expression}\n", policy=policy)
    assert new == m.D
    assert any(change.where.endswith(".D") for change in report.changes)


@BOTH
def test_a_derived_table_keeps_its_identity(ab: AB, policy: str) -> None:
    m, update = ab("BASE = 10\nD = {'limit': BASE}\n")
    held = m.D
    update("BASE = 20\nD = {'limit': BASE}\n", policy=policy)
    assert m.D is held
    assert held == {"limit": 20}


@BOTH
def test_derived_from_derived(ab: AB, policy: str) -> None:
    text = "BASE = 10\nB = BASE + 1\nC = B + 1\n"
    m, update = ab(text)
    update(text.replace("= 10", "= 20"), policy=policy)
    assert (m.B, m.C) == (21, 22)


@BOTH
def test_derived_data_touched_at_run_time_stays(ab: AB, policy: str) -> None:
    m, update = ab("BASE = 10\nD = BASE * 2\n")
    m.D = 7
    report = update("BASE = 20\nD = BASE * 2\n", policy=policy)
    assert m.D == 7
    assert named(report.kept, "D")


def test_under_keep_nothing_is_derived(ab: AB) -> None:
    m, update = ab("BASE = 10\nD = BASE * 2\n")
    update("BASE = 20\nD = BASE * 2\n")
    assert (m.BASE, m.D) == (10, 20)


@BOTH
def test_a_constant_from_another_module(program: Program, policy: str) -> None:
    _, app = program.load(conf="BASE = 10\n", app="from @conf@ import BASE\nD = BASE * 2\n")
    report = program.update(
        {"conf": "BASE = 20\n", "app": "from @conf@ import BASE\nD = BASE * 2\nX = 1\n"}, policy=policy
    )
    assert app.BASE == 20
    assert app.D == 40 or named(report.kept, "D", "derived")


@BOTH
def test_derived_data_in_a_class(ab: AB, policy: str) -> None:
    text = "BASE = 10\nclass C:\n    size = BASE * 2\n"
    m, update = ab(text)
    living = m.C()
    update(text.replace("= 10", "= 20"), policy=policy)
    assert living.size == 40


def test_a_call_of_changed_code_is_listed_as_derived(ab: AB) -> None:
    text = "RUNS = []\ndef build():\n    RUNS.append(1)\n    return 'old'\nPARSER = build()\n"
    m, update = ab(text)
    report = update(text.replace("'old'", "'new'"), policy="merge")
    assert (m.PARSER, m.RUNS) == ("old", [1])
    [kept] = [kept for kept in report.kept if kept.where.endswith(".PARSER")]
    assert "derived" in kept.why


def test_an_instance_of_a_class_whose_code_changed_is_listed(ab: AB) -> None:
    text = "class Own:\n    def __init__(self): self.n = len('old')\nONE = Own()\n"
    m, update = ab(text)
    held = m.ONE
    report = update(text.replace("'old'", "'newer'"), policy="replace")
    assert m.ONE is held
    assert named(report.kept, "ONE", "derived")


def test_a_call_that_reads_a_renewed_name_is_listed(ab: AB) -> None:
    text = "import re\nPATTERN = 'a+'\nRE = re.compile(PATTERN)\n"
    m, update = ab(text)
    held = m.RE
    report = update(text.replace("a+", "b+"), policy="replace")
    assert m.PATTERN == "b+"
    assert m.RE is held
    assert named(report.kept, "RE", "derived")


def test_derived_data_named_in_the_policy_is_evaluated_again(ab: AB) -> None:
    text = "def build(): return 'old'\nPARSER = build()\nOTHER = build()\n"
    m, update = ab(text)
    update(text.replace("'old'", "'new'"), policy={f"{m.__name__}.PARSER": "replace"})
    assert (m.PARSER, m.OTHER) == ("new", "old")


def test_derived_data_named_in_reload_data_is_evaluated_again(ab: AB) -> None:
    text = "_reload_data = {'PARSER'}\ndef build(): return 'old'\nPARSER = build()\n"
    m, update = ab(text)
    update(text.replace("'old'", "'new'"))
    assert m.PARSER == "new"


def test_a_statement_that_reads_a_renewed_name_is_not_run_again(ab: AB) -> None:
    text = "SEEN = []\nBASE = 10\nSEEN.append(BASE)\n"
    m, update = ab(text)
    report = update(text.replace("= 10", "= 20"), policy="replace")
    assert m.SEEN == [10]
    assert m.BASE == 20
    assert named(report.kept, "derived")


def test_an_assignment_that_shadows_a_builtin_is_not_trusted(ab: AB) -> None:
    text = "RUNS = []\ndef max(*a):\n    RUNS.append(a)\n    return 1\nBASE = 10\nD = max(BASE, 1)\n"
    m, update = ab(text)
    report = update(text.replace("= 10", "= 20"), policy="replace")
    assert m.RUNS == [(10, 1)]
    assert named(report.kept, "D", "derived")


CALLS = """
    import @lib@ as lib
    from @lib@ import build
    A = build()
    B = [lib.build()]
    C = lib.BASE * 2
    def later(): return build(), lib.BASE
    D = lambda: lib.build()
    """


def test_statements_of_other_modules_that_use_what_changed_are_listed(program: Program) -> None:
    _, m = program.load(lib="BASE = 1\ndef build(): return 1\n", m=CALLS)
    report = program.update({"lib": "BASE = 2\ndef build(): return 2\n"}, policy="merge")
    assert (m.A, m.B, m.C) == (1, [1], 2)
    listed = {kept.where.rpartition(".")[2] for kept in report.kept if "derived" in kept.why}
    assert listed == {"A", "B", "C"}
