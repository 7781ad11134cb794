"""The arguments of ``reload``: which modules, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

import rebottle
from tests.contract.api.scenario import AB, Program, run_script

OLD, NEW = "def f(): return 1\n", "def f(): return 2\n"


def test_one_string_means_that_module(program: Program) -> None:
    one, two = program.load(one=OLD, two=OLD)
    program.write({"one": NEW, "two": NEW})
    report = program.reload(one.__name__)
    assert (one.f(), two.f()) == (2, 1)
    assert list(report.modules) == [one.__name__]


def test_one_module_object_means_that_module(program: Program) -> None:
    one, two = program.load(one=OLD, two=OLD)
    program.write({"one": NEW, "two": NEW})
    program.reload(one)
    assert (one.f(), two.f()) == (2, 1)


def test_names_patterns_and_modules_may_be_mixed(program: Program) -> None:
    one, two, three = program.load(one=OLD, two=OLD, three=OLD)
    program.write({"one": NEW, "two": NEW, "three": NEW})
    report = program.reload([one.__name__, two, f"thr*_{program.world.tag}"])
    assert one.f() == two.f() == three.f() == 2
    assert report.ok
    assert report.kind == "reload"


def test_a_tuple_of_names_will_do(program: Program) -> None:
    [one] = program.load(one=OLD)
    program.write({"one": NEW})
    program.reload((one.__name__,))
    assert one.f() == 2


def test_a_module_named_twice_is_updated_once(program: Program) -> None:
    [one] = program.load(one="RUNS = []\n")
    program.write({"one": "RUNS = []\nRUNS.append(1)\n"})
    program.reload([one, one.__name__, f"one_{program.world.tag}*"], undo=False)
    assert one.RUNS == [1]


def test_an_empty_list_updates_nothing_and_returns_an_empty_report(program: Program) -> None:
    [one] = program.load(one=OLD)
    program.write({"one": NEW})
    report = rebottle.reload([])
    assert report.ok
    assert not report.modules
    assert not report.changes
    assert one.f() == 1


def test_a_pattern_that_matches_nothing_likewise() -> None:
    report = rebottle.reload(["nothing_is_called_so.*"])
    assert report.ok
    assert not report.modules
    assert not report.changes


def test_a_module_named_but_unchanged_is_left_exactly_as_it_is(program: Program) -> None:
    [one] = program.load(one="RUNS = []\nRUNS.append(1)\ndef f(): return 1\n")
    one.extra, code = 1, one.f.__code__
    report = program.reload([one])
    assert list(report.changes) == []
    assert one.f.__code__ is code
    assert (one.RUNS, one.extra) == ([1], 1)


EVERY = """
import rebottle
from pathlib import Path
for name in ("one", "two"):
    Path(name + ".py").write_text("def f(): return 1\\n")
import one, two
Path("one.py").write_text("def f(): return 2\\n")
report = rebottle.reload({argument})
print(one.f(), two.f(), report.modules, [each.where for each in report.changes])
print(rebottle.reload().modules)
"""


@pytest.mark.parametrize("argument", ["", "None", "modules=None"])
def test_none_means_every_tracked_module_whose_source_changed(tmp_path: Path, argument: str) -> None:
    assert run_script(tmp_path, EVERY.format(argument=argument)) == ["2 1 ['one'] ['one.f']", "[]"]


def test_an_unknown_module_is_an_error(program: Program) -> None:
    [one] = program.load(one=OLD)
    names = program.write({"one": NEW})
    with pytest.raises(rebottle.UnknownModuleError) as caught:
        rebottle.reload([*names, "never.imported"])
    assert "never.imported" in str(caught.value)
    assert isinstance(caught.value, rebottle.UpdateError)
    assert one.f() == 1


def test_a_module_that_has_a_file_but_was_not_imported_is_unknown(program: Program) -> None:
    [name] = program.write({"unseen": OLD})
    with pytest.raises(rebottle.UnknownModuleError):
        rebottle.reload(name)


@pytest.mark.parametrize("modules", [1, 1.5, [1], [None], b"mod", [b"mod"], object(), [["nested"]]])
def test_a_wrong_type_for_modules_is_a_type_error(modules: object) -> None:
    with pytest.raises(TypeError):
        rebottle.reload(modules)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"policy": 1},
        {"policy": ["keep"]},
        {"policy": {"m": 1}},
        {"policy": {1: "keep"}},
        {"sources": "text"},
        {"sources": [1]},
        {"sources": {"m": 1}},
        {"sources": {1: "text"}},
        {"on_refusal": 1},
        {"no_such_option": True},
    ],
)
def test_a_wrong_type_of_an_option_is_a_type_error(program: Program, options: dict[str, object]) -> None:
    [one] = program.load(one=OLD)
    names = program.write({"one": NEW})
    with pytest.raises(TypeError):
        rebottle.reload(names, **options)  # type: ignore[arg-type]
    assert one.f() == 1


@pytest.mark.parametrize(
    "options",
    [
        {"policy": "overwrite"},
        {"policy": ""},
        {"policy": {"m": "overwrite"}},
        {"on_refusal": "ignore"},
        {"force": "everything"},
    ],
)
def test_a_wrong_value_is_a_value_error(program: Program, options: dict[str, object]) -> None:
    [one] = program.load(one=OLD)
    names = program.write({"one": NEW})
    with pytest.raises(ValueError, match=r".+"):
        rebottle.reload(names, **options)  # type: ignore[arg-type]
    assert one.f() == 1


@pytest.mark.parametrize("call", ["hotfix", "plan", "track"])
def test_the_other_calls_check_their_arguments_too(call: str) -> None:
    with pytest.raises(TypeError):
        getattr(rebottle, call)(1)


@pytest.mark.parametrize("force", ["functions", "classes"])
def test_force_renews_what_is_unchanged_and_keeps_identities(ab: AB, force: str) -> None:
    text = "RUNS = []\nRUNS.append(1)\ndef f(a=RUNS): return a\nclass C:\n    def g(self): return f()\n"
    m, update = ab(text)
    f, c, one = m.f, m.C, m.C()
    report = update(text, force=force)
    assert (m.f, m.C, m.RUNS) == (f, c, [1])
    assert one.g() is m.RUNS
    assert {change.where.rpartition(".")[2] for change in report.changes} >= {"f", "g"}


def test_force_false_is_the_default(ab: AB) -> None:
    _, update = ab(OLD)
    assert list(update(OLD, force=False).changes) == []
