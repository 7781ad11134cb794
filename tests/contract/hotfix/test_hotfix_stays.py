"""Contract 1: a hotfix stays in force until its definition is edited in the source; its namespace is its own."""

from __future__ import annotations

import builtins
import sys
import traceback
from typing import Any

import pytest

import rebottle

A = "x = 1\ndef f(): return 'source'\ndef g(): return 'g'\n"
FIX = "import @m@ as m\nm.f = lambda: 'fixed'\n"


def test_a_reload_that_changes_something_else_leaves_the_hotfix_in_force(ab: Any, program: Any) -> None:
    m, update = ab(A)
    held = m.f
    fix = rebottle.hotfix(program.world.text(FIX))
    update("x = 1\ndef f(): return 'source'\ndef g(): return 'g2'\n")
    assert (held(), m.f(), m.g()) == ("fixed", "fixed", "g2")
    assert fix.in_force


def test_moving_the_definition_or_editing_a_comment_leaves_the_hotfix_in_force(ab: Any, program: Any) -> None:
    m, update = ab(A)
    rebottle.hotfix(program.world.text(FIX))
    update("# a comment\nx = 1\n\n\ndef f(): return 'source'  # more\ndef g(): return 'g'\n")
    assert m.f() == "fixed"


def test_a_reload_of_the_unchanged_module_leaves_the_hotfix_in_force(ab: Any, program: Any) -> None:
    m, _ = ab(A)
    rebottle.hotfix(program.world.text(FIX))
    rebottle.reload([m])
    assert m.f() == "fixed"


def test_editing_the_definition_in_the_source_ends_the_hotfix_and_history_shows_it(ab: Any, program: Any) -> None:
    m, update = ab(A)
    held = m.f
    fix = rebottle.hotfix(program.world.text(FIX), name="urgent")
    assert next(report for report in rebottle.history() if report.id == fix.id).in_force
    update("x = 1\ndef f(): return 'edited'\ndef g(): return 'g'\n", undo=False)
    assert held() == m.f() == "edited"
    assert m.f is held
    assert not next(report for report in rebottle.history() if report.id == fix.id).in_force


def test_an_edit_after_a_hotfix_uses_the_module_s_globals_again(ab: Any, program: Any) -> None:
    m, update = ab("x = 1\ndef f(): return ('source', x)\n")
    held = m.f
    rebottle.hotfix(program.world.text("import @m@ as m\nx = 2\ndef f(a=1): return ('fixed', x, a)\nm.f = f\n"))
    assert held() == ("fixed", 2, 1)
    update("x = 1\ndef f(): return ('edited', x)\n")
    assert held() == ("edited", 1)
    with pytest.raises(TypeError):
        held(1)


def test_history_lists_the_hotfix_until_it_is_rolled_back(ab: Any, program: Any) -> None:
    ab(A)
    fix = rebottle.hotfix(program.world.text(FIX))
    entry = rebottle.history()[-1]
    assert (entry.id, entry.kind, entry.in_force) == (fix.id, "hotfix", True)
    fix.rollback()
    assert not next(report for report in rebottle.history() if report.id == fix.id).in_force


def test_a_later_hotfix_of_the_same_function_wins_and_is_undone_to_the_earlier(ab: Any, program: Any) -> None:
    m, _ = ab(A)
    held = m.f
    rebottle.hotfix(program.world.text("import @m@ as m\nm.f = lambda: 'one'\n"))
    second = rebottle.hotfix(program.world.text("import @m@ as m\nm.f = lambda: 'two'\n"))
    assert held() == "two"
    second.rollback()
    assert held() == "one"
    rebottle.rollback()
    assert held() == "source"


def test_the_snippet_s_names_appear_nowhere_else(ab: Any, program: Any) -> None:
    m, _ = ab(A)
    main = set(vars(sys.modules["__main__"]))
    rebottle.hotfix(program.world.text("import @m@ as m\nonly_here_1234 = 1\ndef helper_1234(): pass\n"))
    for place in (vars(m), vars(builtins), vars(sys.modules[__name__]), vars(sys.modules["__main__"])):
        assert not {"only_here_1234", "helper_1234"} & place.keys()
    assert set(vars(sys.modules["__main__"])) == main


def test_two_snippets_do_not_share_a_namespace() -> None:
    rebottle.hotfix("only_here_1234 = 1\n")
    with pytest.raises(rebottle.ExecutionError) as caught:
        rebottle.hotfix("print(only_here_1234)\n")
    assert isinstance(caught.value.__cause__, NameError)


def test_the_snippet_does_not_see_the_caller_s_names() -> None:
    local_1234 = 1
    with pytest.raises(rebottle.ExecutionError) as caught:
        rebottle.hotfix("local_1234\n")
    assert isinstance(caught.value.__cause__, NameError)
    assert local_1234 == 1


def test_a_snippet_that_rebinds_nothing_changes_nothing(ab: Any) -> None:
    m, _ = ab(A)
    before = dict(vars(m))
    report = rebottle.hotfix("a = 1\ndef f(): return a\nf()\n")
    assert report.ok
    assert not report.changes
    assert dict(vars(m)) == before


def test_the_snippet_s_name_stands_in_tracebacks_with_the_right_line(ab: Any, program: Any) -> None:
    m, _ = ab(A)
    rebottle.hotfix(program.world.text("import @m@ as m\ndef f():\n    1 / 0\nm.f = f\n"), name="urgent-fix")
    with pytest.raises(ZeroDivisionError) as caught:
        m.f()
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert "urgent-fix" in last.filename
    assert (last.lineno, last.line) == (3, "1 / 0")


def test_a_snippet_can_be_a_file(ab: Any, program: Any, tmp_path: Any) -> None:
    m, _ = ab(A)
    path = tmp_path / "fix.py"
    path.write_text(program.world.text(FIX))
    report = rebottle.hotfix(path)
    assert m.f() == "fixed"
    report.rollback()
    assert m.f() == "source"


def test_functions_of_two_snippets_keep_their_own_globals(ab: Any, program: Any) -> None:
    m, _ = ab(A)
    rebottle.hotfix(program.world.text("import @m@ as m\nN = 1\ndef f(): return N\nm.f = f\n"))
    rebottle.hotfix(program.world.text("import @m@ as m\nN = 2\ndef g(): return N\nm.g = g\n"))
    assert (m.f(), m.g()) == (1, 2)
