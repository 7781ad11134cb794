"""Failure: the errors, what they say, and that the program is as it was."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

import rebottle
from tests.contract.api.scenario import Program, run_script

OLD, NEW = "def f(): return 1\n", "def f(): return 2\n"


@pytest.mark.parametrize(
    "error",
    [
        rebottle.SourceError,
        rebottle.ExecutionError,
        rebottle.RefusedError,
        rebottle.VerificationError,
        rebottle.UnknownModuleError,
    ],
)
def test_all_errors_are_update_errors(error: type[Exception]) -> None:
    assert issubclass(error, rebottle.UpdateError)
    assert issubclass(rebottle.UpdateError, Exception)


def test_a_source_error_is_chained_to_the_syntax_error(program: Program) -> None:
    [m] = program.load(m=OLD)
    failure = program.fails({"m": "x = 1\ndef f(:\n"}, rebottle.SourceError)
    assert isinstance(failure.__cause__, SyntaxError)
    assert failure.__cause__.lineno == 2
    for word in (f"{m.__name__}.py", "line 2", "SyntaxError", "invalid syntax"):
        assert word in str(failure)


def test_a_source_error_is_chained_to_the_unicode_or_syntax_error(program: Program) -> None:
    [m] = program.load(m=OLD)
    program.world.write(m.__name__, OLD).write_bytes(b"x = '\xff\xfe'\n")
    with pytest.raises(rebottle.SourceError) as caught:
        rebottle.reload(m)
    assert isinstance(caught.value.__cause__, (UnicodeError, SyntaxError))
    assert type(caught.value.__cause__).__name__ in str(caught.value)


def test_an_execution_error_is_chained_to_the_users_exception(program: Program) -> None:
    text = OLD + "class Own(Exception): pass\n"
    [m] = program.load(m=text)
    failure = program.fails(
        {"m": text + "\ndef helper():\n    raise Own('said so')\nhelper()\n"}, rebottle.ExecutionError
    )
    assert isinstance(failure.__cause__, m.Own)
    for word in (f"{m.__name__}.py", "line 5", "Own", "said so"):
        assert word in str(failure)


def test_the_traceback_of_the_cause_has_the_users_lines(program: Program) -> None:
    [m] = program.load(m=OLD)
    failure = program.fails({"m": OLD + "def helper():\n    1 / 0\nhelper()\n"}, rebottle.ExecutionError)
    assert failure.__cause__ is not None
    frames, trace = [], failure.__cause__.__traceback__
    while trace is not None:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    assert frames[-2:] == [(m.__file__, 4), (m.__file__, 3)]


def test_an_exception_group_and_its_notes_stay_the_users_own(program: Program) -> None:
    program.load(m=OLD)
    text = OLD + "e = ExceptionGroup('several', [ValueError('a'), TypeError('b')])\ne.add_note('a note')\nraise e\n"
    failure = program.fails({"m": text}, rebottle.ExecutionError)
    assert isinstance(failure.__cause__, ExceptionGroup)
    assert [str(each) for each in failure.__cause__.exceptions] == ["a", "b"]
    assert failure.__cause__.__notes__ == ["a note"]


def test_an_exception_whose_text_cannot_be_made(program: Program) -> None:
    [m] = program.load(m=OLD)
    text = OLD + "class Odd(Exception):\n    def __str__(self): raise RuntimeError('no text')\nraise Odd\n"
    failure = program.fails({"m": text}, rebottle.ExecutionError)
    assert "Odd" in str(failure)
    assert m.f() == 1


def test_every_error_has_a_report(program: Program) -> None:
    program.load(m=OLD)
    for text, kind in (("def f(:\n", rebottle.SourceError), ("1 / 0\n", rebottle.ExecutionError)):
        failure = program.fails({"m": text}, kind)
        assert isinstance(failure.report, rebottle.Report)
        assert not failure.report.ok
        assert not failure.report.in_force


def test_a_refused_error_has_refusals() -> None:
    with rebottle.hold(), pytest.raises(rebottle.RefusedError) as caught:
        rebottle.hotfix("x = 1\n")
    assert len(caught.value.refusals) == 1
    assert caught.value.refusals[0].rule in str(caught.value)


def test_a_hotfix_that_raises_is_an_execution_error(program: Program) -> None:
    [m] = program.load(m=OLD + "T = {}\n")
    with pytest.raises(rebottle.ExecutionError) as caught:
        rebottle.hotfix(f"import {m.__name__} as m\nm.T['x'] = 1\nm.f = lambda: 2\nm.nothing_here\n", name="fix-7")
    assert isinstance(caught.value.__cause__, AttributeError)
    for word in ("fix-7", "line 4", "AttributeError", "nothing_here"):
        assert word in str(caught.value)
    assert (m.f(), m.T) == (1, {})


def test_a_hotfix_that_does_not_compile_is_a_source_error() -> None:
    with pytest.raises(rebottle.SourceError) as caught:
        rebottle.hotfix("x = 1\ny = (\n", name="fix-8")
    assert isinstance(caught.value.__cause__, SyntaxError)
    assert "fix-8" in str(caught.value)
    assert "line 2" in str(caught.value)


NOTHING = """
import rebottle
try:
    rebottle.rollback()
except rebottle.RefusedError as error:
    print(len(error.refusals))
"""


def test_rollback_with_nothing_in_force_is_refused(tmp_path: Path) -> None:
    assert run_script(tmp_path, NOTHING) == ["1"]


def test_after_an_error_the_engine_works(program: Program) -> None:
    [m] = program.load(m=OLD)
    for text in ("def f(:\n", "raise SystemExit\n", "import nowhere_at_all\n"):
        program.fails({"m": text})
    program.update({"m": NEW})
    assert m.f() == 2


def test_an_error_keeps_no_new_object_alive(program: Program) -> None:
    [m] = program.load(m="REFS = []\n")
    m.REFS = refs = []
    text = "REFS = []\nimport weakref\nclass New: pass\n"
    failure = program.fails({"m": text + "raise ValueError(New)\n"}, rebottle.ExecutionError)
    assert failure.__cause__ is not None
    refs.append(weakref.ref(failure.__cause__.args[0]))
    del failure
    gc.collect()
    assert refs[0]() is None
