"""Sections 1 and 7: the report of a hotfix lists what still runs the code that its snippet replaced."""

from __future__ import annotations

from typing import Any

import rebottle
from tests.contract.api.scenario import named

TEXT = """
    def steps():
        yield "old"
        yield "old"
    def call(update):
        update()
        return "old"
    """


def test_generators_and_frames_are_listed_until_they_end(program: Any) -> None:
    [m] = program.load(m=TEXT)
    steps = m.steps()
    next(steps)
    reports: list[rebottle.Report] = []
    snippet = """
        import @m@
        def steps():
            yield "new"
        def call(update):
            return "new"
        @m@.steps, @m@.call = steps, call
        """
    assert m.call(lambda: reports.append(program.hotfix(snippet))) == "old"
    assert {(each.kind, each.where.rpartition(".")[2], each.line) for each in reports[0].stale} == {
        ("generator", "steps", 3),
        ("frame", "call", 6),
    }
    assert [each.kind for each in rebottle.stale()] == ["generator"]
    assert list(steps) == ["old"]
    assert rebottle.stale() == []


def test_after_its_rollback_what_runs_the_code_of_the_snippet_is_listed(program: Any) -> None:
    [m] = program.load(m=TEXT)
    report = program.hotfix("import @m@\ndef steps():\n    yield 1\n    yield 2\n@m@.steps = steps\n")
    steps = m.steps()
    next(steps)
    assert rebottle.stale() == []
    back = report.rollback()
    assert named(back.stale, "steps")
    assert [each.kind for each in rebottle.stale()] == ["generator"]
    back.rollback()
    assert rebottle.stale() == []
    assert next(steps) == 2


def test_what_a_wrapper_calls_is_not_stale(program: Any) -> None:
    [m] = program.load(m=TEXT)
    program.hotfix("import @m@\nformer = @m@.steps\ndef steps():\n    yield from former()\n@m@.steps = steps\n")
    steps = m.steps()
    assert next(steps) == "old"
    assert rebottle.stale() == []
    assert list(steps) == ["old"]
