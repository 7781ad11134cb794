"""Section 6.1 and 6.2: text that can't be read or compiled, in one module of several, leaves all as they were."""

from __future__ import annotations

import pytest

import rebottle
from tests.contract.api.scenario import Program

A = "X = {'a': 1}\ndef f(): return 'old'\nclass C:\n    def g(self): return 'old'\n"
B = A.replace("'old'", "'new'").replace("X = {'a': 1}", "X = {'a': 2}")


def broken(program: Program, text: str, error: type[Exception] = rebottle.SourceError) -> rebottle.UpdateError:
    """Load three modules, break the second one, and mend it after the failure."""
    one, two, three = program.load(one=A, two=A, three=A)
    failure = program.fails({"one": B, "two": text, "three": B}, error, policy="replace")
    assert one.f() == two.f() == three.C().g() == "old"
    assert isinstance(failure, rebottle.UpdateError)
    program.update({"two": B, "one": B, "three": B}, policy="replace")
    assert one.f() == two.f() == three.C().g() == "new"
    assert one.X == {"a": 2}
    return failure


@pytest.mark.parametrize(
    "text",
    [
        "def f(:\n",
        "x = 1\n  y = 2\n",
        "return 1\n",
        "def f():\n\tx\n        y\n",
        "x = 'open\n",
        "await x\n",
        "class C: pass\n)\n",
    ],
)
def test_a_syntax_error_in_one_of_several_modules(program: Program, text: str) -> None:
    failure = broken(program, text)
    assert isinstance(failure.__cause__, SyntaxError)


@pytest.mark.parametrize("text", ["def f(a, a): pass\n", "def f():\n    nonlocal x\n", "def f(x):\n    global x\n"])
def test_what_only_the_compiler_finds(program: Program, text: str) -> None:
    assert isinstance(broken(program, text).__cause__, SyntaxError)


def test_a_future_import_in_the_wrong_place(program: Program) -> None:
    assert isinstance(broken(program, "x = 1\nfrom __future__ import annotations\n").__cause__, SyntaxError)


def test_the_error_says_the_file_the_line_and_the_cause(program: Program) -> None:
    text = str(broken(program, "x = 1\n\ndef f(:\n"))
    assert program.world.name("two") + ".py" in text
    assert "line 3" in text
    assert "SyntaxError" in text
    assert "invalid syntax" in text


def test_the_old_file_of_a_module_named_one_by_one_is_missing(program: Program) -> None:
    one, two = program.load(one=A, two=A)
    names = program.write({"one": B, "two": B})
    (program.world.write(two.__name__, B)).unlink()
    with pytest.raises(rebottle.SourceError) as caught:
        rebottle.reload(names)
    assert two.__name__ in str(caught.value)
    assert one.f() == two.f() == "old"
    program.update({"one": B, "two": B})
    assert one.f() == two.f() == "new"


@pytest.mark.parametrize("text", ["import nowhere_at_all\n", "from os import nothing_like_it\n", "import os.nowhere\n"])
def test_a_missing_import(program: Program, text: str) -> None:
    failure = broken(program, A + text, rebottle.ExecutionError)
    assert isinstance(failure.__cause__, ImportError)
    assert "line 5" in str(failure)


def test_an_undecodable_byte(program: Program) -> None:
    one, two = program.load(one=A, two=A)
    names = program.write({"one": B})
    program.world.write(two.__name__, A).write_bytes(b"x = '\xff'\n")
    with pytest.raises(rebottle.SourceError) as caught:
        rebottle.reload([*names, two])
    assert isinstance(caught.value.__cause__, (UnicodeError, SyntaxError))
    assert one.f() == two.f() == "old"


def test_a_null_byte(program: Program) -> None:
    one, two = program.load(one=A, two=A)
    names = program.write({"one": B})
    program.world.write(two.__name__, A).write_bytes(b"x = 1\0\n")
    with pytest.raises(rebottle.SourceError):
        rebottle.reload([*names, two])
    assert one.f() == two.f() == "old"


def test_a_file_that_became_a_folder(program: Program) -> None:
    one, two = program.load(one=A, two=A)
    names = program.write({"one": B})
    path = program.world.write(two.__name__, A)
    path.unlink()
    path.mkdir()
    with pytest.raises(rebottle.SourceError):
        rebottle.reload([*names, two])
    assert one.f() == "old"


def test_text_that_is_nested_too_deeply(program: Program) -> None:
    failure = broken(program, "x = " + "(" * 5000 + ")" * 5000 + "\n")
    assert isinstance(failure.__cause__, (SyntaxError, MemoryError, RecursionError))


def test_two_failures_in_a_row_and_then_success(program: Program) -> None:
    [one] = program.load(one=A)
    program.fails({"one": "def f(:\n"}, rebottle.SourceError)
    program.fails({"one": B + "1 / 0\n"}, rebottle.ExecutionError)
    program.update({"one": B})
    assert one.f() == "new"


def test_a_failure_is_not_in_the_history(program: Program) -> None:
    program.load(one=A)
    before = [report.id for report in rebottle.history() if report.in_force]
    program.fails({"one": "def f(:\n"}, rebottle.SourceError)
    assert [report.id for report in rebottle.history() if report.in_force] == before


def test_the_report_of_the_failure_says_that_it_failed(program: Program) -> None:
    program.load(one=A)
    failure = program.fails({"one": "def f(:\n"}, rebottle.SourceError)
    assert failure.report is not None
    assert not failure.report.ok
    assert list(failure.report.changes) == []


def test_after_mending_by_going_back_nothing_changes(program: Program) -> None:
    [one] = program.load(one=A)
    program.fails({"one": "def f(:\n"}, rebottle.SourceError)
    assert list(program.update({"one": A}).changes) == []
    assert one.f() == "old"
