"""``plan`` says what would change; it runs nothing and touches nothing."""

from __future__ import annotations

import json
import sys

import pytest

import rebottle
from tests.contract.api.scenario import Program, kinds

OLD = "RUNS = []\nX = 1\ndef f(a=1): return 1\nclass C:\n    def g(self): return 1\n"
NEW = OLD.replace("return 1", "return 2").replace("X = 1", "X = 2") + "RUNS.append(1)\ndef new(): pass\n"


def plan(program: Program, texts: dict[str, str], **options: object) -> rebottle.Plan:
    """A plan; nothing may have been touched."""
    names = program.write(texts)
    before, modules, history = program.photo(), dict(sys.modules), len(rebottle.history())
    it = rebottle.plan(names, **options)  # type: ignore[arg-type]
    assert before.differences(program.photo()) == []
    assert sys.modules == modules
    assert len(rebottle.history()) == history
    return it


def test_it_runs_and_touches_nothing(program: Program) -> None:
    [m] = program.load(m=OLD)
    code = m.f.__code__
    it = plan(program, {"m": NEW}, policy="replace", prune=True)
    assert it.ok
    assert m.f.__code__ is code
    assert (m.RUNS, m.X, m.f()) == ([], 1, 1)


def test_it_lists_what_reload_then_changes(program: Program) -> None:
    [m] = program.load(m=OLD)
    it = plan(program, {"m": OLD.replace("return 1", "return 2")})
    report = program.reload([m])
    assert [(each.kind, each.where, each.file, each.line) for each in it.changes] == [
        (each.kind, each.where, each.file, each.line) for each in report.changes
    ]
    assert list(it.modules) == list(report.modules) == [m.__name__]


def test_it_says_what_only_running_would_tell(program: Program) -> None:
    program.load(m=OLD)
    assert list(plan(program, {"m": NEW}).unknown)
    assert list(plan(program, {"m": OLD.replace("return 1", "return 3")}).unknown) == []


def test_an_unchanged_module_gives_an_empty_plan(program: Program) -> None:
    program.load(m=OLD)
    it = plan(program, {"m": OLD})
    assert it.ok
    assert not it.changes
    assert not it.modules
    assert not it.unknown


def test_kept_data_is_listed(program: Program) -> None:
    [m] = program.load(m=OLD)
    assert [kept.where for kept in plan(program, {"m": OLD.replace("X = 1", "X = 2")}).kept] == [f"{m.__name__}.X"]


def test_a_new_import_is_not_imported(program: Program) -> None:
    program.load(m=OLD)
    [fresh] = program.write({"fresh": "raise RuntimeError('imported')\n"})
    plan(program, {"m": OLD + "import @fresh@\n"})
    assert fresh not in sys.modules


def test_a_class_is_not_run_aside(program: Program) -> None:
    [m] = program.load(m="RUNS = []\nclass Mix: pass\nclass C:\n    RUNS.append(1)\n")
    it = plan(program, {"m": "RUNS = []\nclass Mix: pass\nclass C(Mix):\n    RUNS.append(1)\n"})
    assert m.RUNS == [1]
    assert any(change.where.endswith(".C") for change in it.changes)


def test_a_syntax_error_is_an_error_of_the_plan(program: Program) -> None:
    program.load(m=OLD)
    with pytest.raises(rebottle.SourceError) as caught:
        plan(program, {"m": "x = 1\ndef f(:\n"})
    assert "line 2" in str(caught.value)


def test_an_unknown_module_is_an_error_of_the_plan() -> None:
    with pytest.raises(rebottle.UnknownModuleError):
        rebottle.plan("never.imported")


def test_empty_lists_and_patterns_give_empty_plans() -> None:
    assert list(rebottle.plan([]).changes) == []
    assert list(rebottle.plan(["nothing_is_called_so.*"]).changes) == []


def test_plans_are_values_that_can_be_read(program: Program) -> None:
    [m] = program.load(m=OLD)
    it = plan(program, {"m": NEW})
    data = json.loads(it.to_json())
    assert data["modules"] == [m.__name__]
    assert {change["where"] for change in data["changes"]} >= {f"{m.__name__}.f", f"{m.__name__}.C.g"}
    assert m.__name__ in str(it)
    assert kinds(it) >= {"function-code"}  # type: ignore[arg-type]


def test_the_plan_of_a_signature_a_base_and_a_removal(program: Program) -> None:
    [m] = program.load(m="class A: pass\nclass B: pass\nclass C(A): pass\ndef f(): pass\ndef g(): pass\n")
    it = plan(program, {"m": "class A: pass\nclass B: pass\nclass C(B): pass\ndef f(a): pass\n"}, prune=True)
    assert {change.where for change in it.changes} >= {f"{m.__name__}.{name}" for name in ("C", "f", "g")}
    assert "class-bases" in kinds(it)  # type: ignore[arg-type]


def test_a_plan_may_be_made_inside_a_hold(program: Program) -> None:
    program.load(m=OLD)
    with rebottle.hold():
        assert plan(program, {"m": NEW}).changes


def test_the_same_arguments_are_taken(program: Program) -> None:
    [m] = program.load(m=OLD)
    options = {"policy": {m.__name__: "merge"}, "prune": True, "on_refusal": "partial", "sources": None, "force": False}
    assert plan(program, {"m": NEW}, **options).ok
