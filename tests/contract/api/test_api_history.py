"""``history()``: the reports of the last updates, oldest first, and which are in force."""

from __future__ import annotations

from pathlib import Path

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program, run_script


def ids() -> list[int]:
    """The updates in the history."""
    return [report.id for report in rebottle.history()]


def test_oldest_first(ab: AB) -> None:
    _, update = ab("def f(): return 1\n")
    first, second = update("def f(): return 2\n"), update("def f(): return 3\n")
    assert ids()[-2:] == [first.id, second.id]


def test_the_reports_are_those_that_the_calls_returned(ab: AB) -> None:
    _, update = ab("def f(): return 1\n")
    report = update("def f(): return 2\n")
    last = rebottle.history()[-1]
    assert (last.id, last.kind, last.to_json()) == (report.id, "reload", report.to_json())


def test_hotfixes_are_in_it_with_their_name(program: Program) -> None:
    [m] = program.load(m="def f(): return 1\n")
    report = rebottle.hotfix(f"import {m.__name__} as m\ndef f(): return 2\nm.f = f\n", name="double the fire")
    assert rebottle.history()[-1].kind == "hotfix"
    assert "double the fire" in str(rebottle.history()[-1]) + rebottle.history()[-1].to_json()
    report.rollback()


def test_in_force_until_undone(ab: AB) -> None:
    _, update = ab("def f(): return 1\n")
    report = update("def f(): return 2\n")
    assert report.in_force is True
    report.rollback()
    assert report.in_force is False
    assert [each.in_force for each in rebottle.history() if each.id == report.id] in ([False], [])


def test_a_hotfix_is_in_force_until_its_definition_is_edited(program: Program) -> None:
    [m] = program.load(m="def f(): return 1\ndef g(): return 1\n")
    fixed = rebottle.hotfix(f"import {m.__name__} as m\ndef f(): return 50\nm.f = f\n")
    program.update({"m": "def f(): return 1\ndef g(): return 2\n"}, undo=False)
    assert (m.f(), m.g()) == (50, 2)
    assert fixed.in_force
    program.update({"m": "def f(): return 3\ndef g(): return 2\n"}, undo=False)
    assert m.f() == 3
    assert not fixed.in_force


def test_an_update_that_a_later_one_replaced_entirely_can_still_be_reached(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    first = update("def f(): return 2\n")
    update("def f(): return 3\n").rollback()
    assert m.f() == 2
    assert first.in_force


def test_two_rollbacks_go_back_two_steps(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    update("def f(): return 2\n")
    update("def f(): return 3\n")
    update("def f(): return 4\n")
    rebottle.rollback()
    rebottle.rollback()
    assert m.f() == 2


def test_the_list_is_a_copy() -> None:
    rebottle.history().clear()
    before = ids()
    rebottle.history().clear()
    assert ids() == before


def test_an_empty_update_does_not_push_out_a_real_one(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    real = update("def f(): return 2\n")
    for _ in range(40):
        rebottle.reload([])
        rebottle.reload([m])
    real.rollback()
    assert m.f() == 1


TRACKING = """
import importlib, rebottle
from pathlib import Path
for name in ("game", "game_ui", "lib"):
    Path(name + ".py").write_text("def f(): return 1\\n")
Path("plugins").mkdir()
Path("plugins/__init__.py").write_text("")
Path("plugins/one.py").write_text("def f(): return 1\\n")
import game, game_ui, lib, plugins.one
for file in [*Path(".").glob("*.py"), *Path("plugins").glob("*.py")]:
    if file.name != "main.py":
        file.write_text(file.read_text().replace("1", "2"))
{track}
report = rebottle.reload()
print(game.f(), game_ui.f(), lib.f(), plugins.one.f(), sorted(report.modules))
"""


def track(folder: Path, text: str) -> str:
    """What ``reload()`` does after these calls."""
    return run_script(folder, TRACKING.format(track=text))[0]


def test_everything_imported_from_outside_the_libraries_is_tracked(tmp_path: Path) -> None:
    assert track(tmp_path, "") == "2 2 2 2 ['game', 'game_ui', 'lib', 'plugins.one']"


def test_the_first_call_of_track_replaces_the_default(tmp_path: Path) -> None:
    assert track(tmp_path, "rebottle.track('game', 'plugins.*')") == "2 1 1 2 ['game', 'plugins.one']"


def test_a_module_object_can_be_tracked(tmp_path: Path) -> None:
    assert track(tmp_path, "rebottle.track(lib)") == "1 1 2 1 ['lib']"


def test_a_named_module_is_updated_although_it_is_not_tracked(tmp_path: Path) -> None:
    text = "rebottle.track('game')\nprint(rebottle.reload('lib').modules)"
    assert track(tmp_path, text) == "['lib']"


def test_what_was_imported_before_rebottle_is_tracked(tmp_path: Path) -> None:
    (tmp_path / "early.py").write_text("def f(): return 1\n", encoding="utf-8")
    text = """
        import early
        import rebottle
        from pathlib import Path
        Path("early.py").write_text("def f(): return 22\\n")
        print(rebottle.reload().modules, early.f())
        """
    assert run_script(tmp_path, text) == ["['early'] 22"]


def test_a_missing_file_of_a_tracked_module_is_listed(tmp_path: Path) -> None:
    text = """
        import rebottle
        from pathlib import Path
        for name in ("one", "two"):
            Path(name + ".py").write_text("def f(): return 1\\n")
        import one, two
        Path("one.py").unlink()
        Path("two.py").write_text("def f(): return 2\\n")
        report = rebottle.reload()
        print(report.ok, one.f(), two.f(), "one" in report.to_json())
        """
    assert run_script(tmp_path, text) == ["True 1 2 True"]


WATCHING = """
import rebottle, threading
from pathlib import Path
Path("mod.py").write_text("T = {'a': 1}\\ndef f(): return 1\\n")
import mod
seen = threading.Event()
rebottle.on_update(lambda report: seen.set())
watching = rebottle.watch()
mod.T["live"] = 9
Path("mod.py").write_text("T = {'a': 2}\\ndef f(): return 2\\n")
print(seen.wait(30), mod.f(), sorted(mod.T.items()))
seen.clear()
watching.stop()
Path("mod.py").write_text("def f(): return 3\\n")
print(seen.is_set(), mod.f())
"""


def test_watch_reloads_with_merge_whenever_a_tracked_file_changes(tmp_path: Path) -> None:
    assert run_script(tmp_path, WATCHING) == ["True 2 [('a', 2), ('live', 9)]", "False 2"]


def test_what_was_imported_before_rebottle_takes_new_defaults_with_new_code(tmp_path: Path) -> None:
    old = "import dataclasses\n@dataclasses.dataclass\nclass Point: x: int = 0\ndef f(a=None): return a\n"
    (tmp_path / "early.py").write_text(old, encoding="utf-8")
    text = """
        import early
        import rebottle
        from pathlib import Path
        path = Path("early.py")
        path.write_text(path.read_text().replace("a=None): return a", "a=5, b=6): return a, b"))
        rebottle.reload()
        print(early.f())
        """
    assert run_script(tmp_path, text) == ["(5, 6)"]


def test_an_update_that_changed_nothing_is_rolled_back_by_doing_nothing(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    update("def f(): return 2\n")
    report = rebottle.reload([])
    assert report.rollback().changes == []
    assert m.f() == 2


def test_the_report_of_a_failed_update_takes_no_other_update_back(ab: AB) -> None:
    m, update = ab("def f(): return 1\n")
    update("def f(): return 2\n")
    with pytest.raises(rebottle.SourceError) as caught:
        update("def f( return 3\n")
    with pytest.raises(rebottle.RefusedError) as refused:
        caught.value.report.rollback()
    assert [refusal.rule for refusal in refused.value.refusals] == ["rollback-gone"]
    assert m.f() == 2
