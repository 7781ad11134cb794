"""Section 8: ``__before_update__`` and ``__after_update__``."""

from __future__ import annotations

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program

TEXT = """
SEEN = []
def version(): return "old"
def __before_update__(ctx):
    ctx["from"] = version()
    SEEN.append(("before", version(), type(ctx) is dict))
def __after_update__(ctx):
    SEEN.append(("after", version(), ctx["from"]))
"""
NEW = TEXT.replace('"old"', '"new"')


def test_before_is_the_last_word_of_the_old_after_the_first_of_the_new(ab: AB) -> None:
    m, update = ab(TEXT)
    update(NEW, undo=False)
    assert m.SEEN == [("before", "old", True), ("after", "new", "old")]


def test_the_old_before_and_the_new_after_are_called(ab: AB) -> None:
    m, update = ab(TEXT)
    update(NEW.replace('"before"', '"BEFORE"').replace('"after"', '"AFTER"'), undo=False)
    assert [seen[0] for seen in m.SEEN] == ["before", "AFTER"]


def test_both_are_optional(ab: AB) -> None:
    m, update = ab("SEEN = []\ndef f(): return 1\n")
    update("SEEN = []\ndef f(): return 2\ndef __after_update__(ctx): SEEN.append(dict(ctx))\n", undo=False)
    assert m.SEEN == [{}]


def test_a_before_hook_alone(ab: AB) -> None:
    m, update = ab("SEEN = []\ndef f(): return 1\ndef __before_update__(ctx): SEEN.append(f())\n")
    update("SEEN = []\ndef f(): return 2\ndef __before_update__(ctx): SEEN.append(f())\n", undo=False)
    assert m.SEEN == [1]


def test_hooks_that_are_new_do_not_run_before(ab: AB) -> None:
    m, update = ab("SEEN = []\ndef f(): return 1\n")
    update("SEEN = []\ndef f(): return 2\ndef __before_update__(ctx): SEEN.append(1)\n", undo=False)
    assert m.SEEN == []


def test_the_context_is_one_for_each_module_and_update(program: Program) -> None:
    one, two = program.load(one=TEXT.replace("old", "one"), two=TEXT.replace("old", "two"))
    program.update({"one": TEXT, "two": TEXT}, undo=False)
    assert one.SEEN[-1] == ("after", "old", "one")
    assert two.SEEN[-1] == ("after", "old", "two")
    program.update({"one": NEW, "two": NEW}, undo=False)
    assert one.SEEN[-1] == ("after", "new", "old")


def test_an_unchanged_module_is_not_asked(program: Program) -> None:
    one, two = program.load(one=TEXT, two=TEXT)
    program.update({"one": NEW, "two": TEXT}, undo=False)
    assert len(one.SEEN) == 2
    assert two.SEEN == []


def test_if_before_raises_nothing_is_applied(program: Program) -> None:
    text = "def f(): return 1\ndef __before_update__(ctx): raise ValueError('not now')\n"
    one, two = program.load(one=text, two="def f(): return 1\n")
    failure = program.fails({"two": "def f(): return 2\n", "one": text.replace("return 1", "return 2")})
    assert isinstance(failure, rebottle.ExecutionError)
    assert isinstance(failure.__cause__, ValueError)
    assert "not now" in str(failure)
    assert one.f() == two.f() == 1


def test_if_after_raises_the_update_is_rolled_back(program: Program) -> None:
    text = "T = {'a': 1}\ndef f(): return 1\ndef __after_update__(ctx): pass\n"
    one, two = program.load(one=text, two="def f(): return 1\n")
    new = text.replace("return 1", "return 2").replace("'a': 1", "'a': 2").replace("pass", "raise LookupError('no')")
    failure = program.fails({"two": "def f(): return 2\nX = 1\n", "one": new}, policy="replace")
    assert isinstance(failure, rebottle.ExecutionError)
    assert isinstance(failure.__cause__, LookupError)
    assert one.f() == two.f() == 1
    assert one.T == {"a": 1}
    assert not hasattr(two, "X")


def test_before_runs_only_when_staging_has_succeeded(program: Program) -> None:
    [one] = program.load(one=TEXT)
    program.fails({"one": NEW + "1 / 0\n"}, rebottle.ExecutionError)
    assert one.SEEN == []
    program.fails({"one": NEW + "def (:\n"}, rebottle.SourceError)
    assert one.SEEN == []


def test_a_plan_calls_no_hook(program: Program) -> None:
    [one] = program.load(one=TEXT)
    rebottle.plan(program.write({"one": NEW}))
    assert one.SEEN == []


def test_a_change_of_a_hook_alone_is_an_update(ab: AB) -> None:
    m, update = ab(TEXT)
    update(TEXT.replace('"after"', '"AFTER"'), undo=False)
    assert [seen[0] for seen in m.SEEN] == ["before", "AFTER"]


def test_the_commit_is_complete_when_after_runs(program: Program) -> None:
    lib, user = program.load(lib="def f(): return 1\n", app="import @lib@ as lib\nSEEN = []\n")
    app = "import @lib@ as lib\nSEEN = []\ndef __after_update__(ctx): SEEN.append((lib.f(), lib.g()))\n"
    program.update({"app": app, "lib": "def f(): return 2\ndef g(): return 3\n"}, undo=False)
    assert user.SEEN == [(2, 3)]
    assert lib.g() == 3


def test_keyboard_interrupt_in_a_hook_passes_after_the_undo(program: Program) -> None:
    text = "def f(): return 1\ndef __after_update__(ctx): pass\n"
    [one] = program.load(one=text)
    new = text.replace("return 1", "return 2").replace("pass", "raise KeyboardInterrupt")
    program.fails({"one": new}, KeyboardInterrupt)
    assert one.f() == 1


def test_updates_called_inside_a_hook_are_refused(program: Program) -> None:
    text = "def f(): return 1\n"
    one, two = program.load(one=text, two="SEEN = []\ndef f(): return 1\n")
    hook = """
def __after_update__(ctx):
    import rebottle
    try:
        rebottle.reload([ONE])
    except rebottle.RefusedError:
        SEEN.append("refused")
    else:
        SEEN.append("done")
"""
    program.write({"one": text.replace("1", "2")})
    program.update({"two": f"SEEN = []\nONE = {one.__name__!r}\ndef f(): return 2\n{hook}"}, undo=False)
    assert two.f() == 2
    assert two.SEEN in (["refused"], ["done"])
    assert one.f() == (1 if two.SEEN == ["refused"] else 2)


@pytest.mark.parametrize("hook", ["__before_update__", "__after_update__"])
def test_a_hook_that_asks_to_exit_stops_the_update(program: Program, hook: str) -> None:
    text = f"def f(): return 1\ndef {hook}(ctx): raise SystemExit(2)\n"
    [one] = program.load(one=text)
    failure = program.fails({"one": text.replace("return 1", "return 2")}, rebottle.ExecutionError)
    assert isinstance(failure.__cause__, SystemExit)
    assert one.f() == 1
