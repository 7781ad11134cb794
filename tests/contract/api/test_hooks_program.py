"""Section 8: ``on_update``, the audit event and the switch that turns everything off."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program, run_script

_auditors: list[Any] = []


@pytest.fixture
def audited() -> Iterator[list[tuple[Any, ...]]]:
    """The arguments of the ``rebottle.update`` events raised in the test; an item that can be called is called."""
    events: list[tuple[Any, ...]] = []
    if not _auditors:
        sys.addaudithook(lambda event, args: [hear(args) for hear in _auditors] if event == "rebottle.update" else None)
    _auditors.append(lambda args: events.append(args))
    yield events
    _auditors.clear()
    _auditors.append(lambda args: None)


def test_on_update_gets_each_report(ab: AB) -> None:
    seen: list[rebottle.Report] = []
    m, update = ab("def f(): return 1\n")
    rebottle.on_update(seen.append)
    report = update("def f(): return 2\n", undo=False)
    assert [each.id for each in seen] == [report.id]
    fixed = rebottle.hotfix(f"import {m.__name__} as m\ndef f(): return 3\nm.f = f\n")
    back = fixed.rollback()
    assert [each.id for each in seen] == [report.id, fixed.id, back.id]
    assert [each.kind for each in seen] == ["reload", "hotfix", "rollback"]


def test_on_update_is_usable_as_a_decorator(ab: AB) -> None:
    seen = []

    @rebottle.on_update
    def heard(report: rebottle.Report) -> None:
        seen.append(report.kind)

    _, update = ab("def f(): return 1\n")
    update("def f(): return 2\n", undo=False)
    assert seen == ["reload"]
    assert callable(heard)


def test_on_update_hears_nothing_of_a_failure(program: Program) -> None:
    seen: list[rebottle.Report] = []
    rebottle.on_update(seen.append)
    program.load(m="def f(): return 1\n")
    program.fails({"m": "def f(:\n"})
    assert [report for report in seen if report.ok] == []


def test_the_new_version_is_in_force_when_on_update_is_called(ab: AB) -> None:
    seen = []
    m, update = ab("def f(): return 1\n")
    rebottle.on_update(lambda report: seen.append(m.f()))
    update("def f(): return 2\n", undo=False)
    assert seen == [2]


def test_an_exception_of_a_callback_goes_to_unraisablehook(ab: AB, monkeypatch: pytest.MonkeyPatch) -> None:
    unraisable: list[Any] = []
    armed = [True]

    def bad(report: rebottle.Report) -> None:
        if armed:
            raise ValueError("from the callback")

    m, update = ab("def f(): return 1\n")
    rebottle.on_update(bad)
    monkeypatch.setattr(sys, "unraisablehook", lambda args: unraisable.append((args.exc_type, str(args.exc_value))))
    report = update("def f(): return 2\n", undo=False)
    armed.clear()
    assert report.ok
    assert m.f() == 2
    assert unraisable == [(ValueError, "from the callback")]


def test_the_audit_event_is_raised_before_the_commit(ab: AB, audited: list[tuple[Any, ...]]) -> None:
    m, update = ab("def f(): return 1\n")
    seen: list[int] = []
    _auditors.append(lambda args: seen.append(m.f()))
    update("def f(): return 2\n", undo=False)
    assert len(audited) == 1
    assert seen == [1]
    assert m.f() == 2


def test_a_plan_and_an_unchanged_module_raise_no_event(ab: AB, audited: list[tuple[Any, ...]]) -> None:
    m, update = ab("def f(): return 1\n")
    rebottle.plan(m)
    update("def f(): return 1\n")
    assert audited == []


def test_an_audit_hook_can_veto(program: Program, audited: list[tuple[Any, ...]]) -> None:
    [m] = program.load(m="def f(): return 1\n")

    def veto(args: tuple[Any, ...]) -> None:
        raise PermissionError("not allowed")

    _auditors.append(veto)
    try:
        failure = program.fails({"m": "def f(): return 2\n"})
    finally:
        _auditors.remove(veto)
    assert m.f() == 1
    assert "not allowed" in str(failure)
    assert len(audited) == 1


CALLS = """
import rebottle
from pathlib import Path
Path("mod.py").write_text("def f(): return 1\\n")
import mod
Path("mod.py").write_text("def f(): return 2\\n")
calls = [
    lambda: rebottle.reload(),
    lambda: rebottle.reload(["mod"]),
    lambda: rebottle.hotfix("import mod\\nmod.f = lambda: 3\\n"),
    lambda: rebottle.rollback(),
]
for call in calls:
    try:
        call()
    except rebottle.RefusedError as error:
        print(error.refusals[0].rule)
    else:
        print("went through")
print(mod.f())
"""


def test_the_switch_refuses_every_call(tmp_path: Path) -> None:
    assert run_script(tmp_path, CALLS, REBOTTLE_DISABLE="1") == ["disabled"] * 4 + ["1"]


def test_without_the_switch_the_same_calls_work(tmp_path: Path) -> None:
    assert run_script(tmp_path, CALLS, REBOTTLE_DISABLE="") == ["went through"] * 4 + ["2"]
