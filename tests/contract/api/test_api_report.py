"""``Report``: what it says, as values, as text and as JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
import time
import weakref

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program, kinds

OLD = "X = 1\ndef f(): return 1\nclass C:\n    def g(self): return 1\n"
NEW = "X = 2\ndef f(): return 2\n\n\nclass C:\n    def g(self): return 2\n"


def test_a_change_has_kind_place_file_and_line(ab: AB) -> None:
    m, update = ab(OLD)
    report = update(NEW)
    changes = {change.where: change for change in report.changes}
    f, g = changes[f"{m.__name__}.f"], changes[f"{m.__name__}.C.g"]
    assert (f.kind, f.file, f.line) == ("function-code", m.__file__, 2)
    assert (g.kind, g.file, g.line) == ("function-code", m.__file__, 6)


def test_kept_data_has_place_and_reason(ab: AB) -> None:
    m, update = ab(OLD)
    [kept] = update(NEW).kept
    assert kept.where == f"{m.__name__}.X"
    assert kept.why


def test_ok_kind_and_modules(ab: AB) -> None:
    m, update = ab(OLD)
    report = update(NEW)
    assert report.ok is True
    assert report.kind == "reload"
    assert list(report.modules) == [m.__name__]
    assert list(report.refusals) == []


def test_id_and_time_tell_updates_apart(ab: AB) -> None:
    _, update = ab(OLD)
    before = time.time()
    first, second = update(NEW), update(OLD)
    assert first.id != second.id
    assert before - 1 <= first.time <= second.time <= time.time() + 1


def test_timing_is_in_seconds(ab: AB) -> None:
    _, update = ab(OLD)
    timing = update(NEW).timing
    parts = [timing.read, timing.compile, timing.stage, timing.pause]
    assert all(0 <= part < 5 for part in parts)
    assert max(parts) <= timing.total < 5


def test_to_json_has_the_same_names(ab: AB) -> None:
    m, update = ab(OLD)
    report = update(NEW)
    data = json.loads(report.to_json())
    for name in ("ok", "kind", "modules", "changes", "kept", "refusals", "stale", "timing", "id", "time"):
        assert name in data
    assert data["ok"] is True
    assert data["modules"] == [m.__name__]
    assert {"kind", "where", "file", "line"} <= data["changes"][0].keys()
    assert set(data["timing"]) >= {"read", "compile", "stage", "pause", "total"}
    assert {change["where"] for change in data["changes"]} == {change.where for change in report.changes}


def test_json_survives_strange_names_and_texts(ab: AB) -> None:
    m, update = ab("größe = 1\ndef ünï(): return 1\n")
    report = update("größe = '\\ud800\"\\n'\ndef ünï(): return 2\n")
    assert f"{m.__name__}.ünï" in {change["where"] for change in json.loads(report.to_json())["changes"]}


def test_str_is_what_a_person_wants_to_read(ab: AB) -> None:
    m, update = ab(OLD)
    text = str(update(NEW))
    for word in (m.__name__, "f", "C.g", "X"):
        assert word in text
    assert "object at 0x" not in text


def test_an_empty_report_can_be_read_too() -> None:
    report = rebottle.reload([])
    assert str(report)
    assert json.loads(report.to_json())["changes"] == []


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("def f(): return 1\n", "def f(): return 2\n", "function-code"),
        ("class A: pass\nclass C: pass\n", "class A: pass\nclass C(A): pass\n", "class-bases"),
    ],
)
def test_the_kinds_that_the_interface_names(ab: AB, old: str, new: str, kind: str) -> None:
    _, update = ab(old)
    assert kind in kinds(update(new))


def test_merged_data_has_its_kind(ab: AB) -> None:
    m, update = ab("T = {'a': 1}\n")
    m.T["live"] = 1
    assert "data-merged" in kinds(update("T = {'a': 2}\n", policy="merge", undo=False))


def test_a_report_is_a_value(ab: AB) -> None:
    m, update = ab(OLD)
    first = update(NEW, undo=False)
    text, places = first.to_json(), [change.where for change in first.changes]
    update(OLD, undo=False)
    m.f = None
    assert [change.where for change in first.changes] == places
    assert json.loads(first.to_json())["changes"] == json.loads(text)["changes"]


def test_a_report_does_not_keep_the_module_alive(program: Program) -> None:
    [m] = program.load(m=OLD)
    report = program.update({"m": NEW}, undo=False)
    f = weakref.ref(m.f)
    del sys.modules[m.__name__], m
    gc.collect()
    assert f() is None
    assert report.modules


def test_stale_at_the_commit_names_function_file_and_line(ab: AB) -> None:
    m, update = ab("def f(go, on):\n    go.set()\n    on.wait(20)\n    return 1\n")
    go, on = threading.Event(), threading.Event()
    thread = threading.Thread(target=m.f, args=(go, on))
    thread.start()
    assert go.wait(20)
    try:
        report = update("def f(go, on):\n    go.set()\n    on.wait(20)\n    return 2\n")
        text = " ".join(str(item) for item in report.stale)
        assert "f" in text
        assert m.__file__ in text
        assert "3" in text
        assert any(m.__file__ in str(item) for item in rebottle.stale())
    finally:
        on.set()
        thread.join()
    assert not any(m.__file__ in str(item) for item in rebottle.stale())


def test_nothing_is_stale_when_nothing_runs(ab: AB) -> None:
    _, update = ab(OLD)
    assert list(update(NEW).stale) == []


def test_members_added_and_classes_run_aside_have_a_place(ab: AB) -> None:
    m, update = ab("class P: pass\nclass A: pass\nclass B: pass\n")
    report = update("class P: pass\nclass A:\n    def f(self): return 1\nclass B(P):\n    pass\n")
    found = {change.where.removeprefix(f"{m.__name__}."): (change.file, change.line) for change in report.changes}
    assert found["A.f"] == (m.__file__, 3)
    assert found["B"] == (m.__file__, 4)


def test_stale_names_threads_and_tasks(program: Program) -> None:
    text = "def work(go, there):\n    there.set()\n    go.wait()\n"
    text += "async def wait(event):\n    await event.wait()\n    return 1\n"
    [m] = program.load(m=text)
    go, there = threading.Event(), threading.Event()
    thread = threading.Thread(target=m.work, args=(go, there), name="worker")
    thread.start()
    there.wait()

    async def main() -> list[str]:
        event = asyncio.Event()
        task = asyncio.create_task(m.wait(event), name="waiter")
        await asyncio.sleep(0)
        new = text.replace("return 1", "return 2").replace("go.wait()", "go.wait(None)")
        shown = [str(each) for each in program.update({"m": new}).stale]
        event.set()
        assert await task == 1
        return shown

    try:
        shown = asyncio.run(main())
    finally:
        go.set()
        thread.join()
    assert len(shown) == 2
    assert all(m.__file__ in each for each in shown)
    assert any(".work " in each and "thread 'worker'" in each for each in shown)
    assert any(".wait " in each and "task 'waiter'" in each for each in shown)
    assert rebottle.stale() == []


def test_reports_and_what_they_hold_are_values(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    seen: list[rebottle.Report] = []
    rebottle.on_update(seen.append)
    report = update("def f(): return 2\n")
    assert seen[-1] == rebottle.history()[-1] == report
    assert {report, seen[-1]} == {report}
    assert report.changes == seen[-1].changes
    assert report != update("def f(): return 3\n")
    assert m.f() == 3
