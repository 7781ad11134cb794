"""Section 9: modules of which there is only bytecode, and modules imported before rebottle."""

from __future__ import annotations

from pathlib import Path

import pytest

import rebottle
from tests.contract.api.scenario import Program, run_script

OLD = """
RUNS = []
RUNS.append(1)
def f(): return 'old'
class C:
    def g(self): return 'old'
"""
NEW = OLD.replace("'old'", "'new'")


def test_functions_and_classes_are_matched_by_name(program: Program) -> None:
    name = program.bytecode("dark", OLD)
    m = program.world.load(name)
    f, one = m.f, m.C()
    program.bytecode("dark", NEW)
    program.reload([name])
    assert m.f is f
    assert f() == one.g() == "new"
    assert m.RUNS == [1]


def test_unchanged_bytecode_changes_nothing(program: Program) -> None:
    name = program.bytecode("dark", OLD)
    m = program.world.load(name)
    program.bytecode("dark", OLD)
    assert list(program.reload([name]).changes) == []
    assert m.RUNS == [1]


def test_a_change_of_other_top_level_code_is_refused(program: Program) -> None:
    name = program.bytecode("dark", OLD)
    m = program.world.load(name)
    program.bytecode("dark", NEW.replace("append(1)", "append(2)"))
    with pytest.raises(rebottle.RefusedError) as caught:
        rebottle.reload([name])
    assert caught.value.refusals
    assert m.f() == "old"
    assert m.RUNS == [1]


def test_damaged_bytecode_is_a_source_error(program: Program) -> None:
    name = program.bytecode("dark", OLD)
    m = program.world.load(name)
    path = Path(m.__file__ or "")
    path.write_bytes(path.read_bytes()[:16] + b"\xff\xff")
    with pytest.raises(rebottle.SourceError):
        rebottle.reload([name])
    assert m.f() == "old"


def test_bytecode_takes_the_place_of_source(program: Program) -> None:
    [m] = program.load(m=OLD)
    f = m.f
    program.bytecode("m", NEW)
    program.reload([m.__name__])
    assert m.f is f
    assert f() == "new"


BEFORE = """
import sys
sys.dont_write_bytecode = {no_cache}
import mod
from pathlib import Path
held, one, table = mod.f, mod.C(), mod.T
def edit():
    path = Path(mod.__file__)
    path.write_text(path.read_text().replace("'old'", "'newer'").replace("X = 1", "X = 2"))
{early}
import rebottle
{late}
report = rebottle.reload(["mod"], policy={policy!r})
assert mod.f is held and mod.T is table
print(held(), one.g(), mod.RUNS, mod.T, mod.X)
print(sorted(kept.where for kept in report.kept))
"""
EDIT = "edit()"


def run(folder: Path, *, no_cache: bool, early: str = "", late: str = "", policy: str = "keep") -> list[str]:
    """The lines printed by a program that imports the module before rebottle."""
    (folder / "mod.py").write_text(OLD + "T = {'a': 1}\nX = 1\n", encoding="utf-8")
    return run_script(folder, BEFORE.format(no_cache=no_cache, early=early, late=late, policy=policy))


@pytest.mark.parametrize("no_cache", [False, True])
@pytest.mark.parametrize("when", ["early", "late"])
def test_a_module_imported_before_is_updated(tmp_path: Path, no_cache: bool, when: str) -> None:
    lines = run(tmp_path, no_cache=no_cache, **{when: EDIT})
    assert lines[0] == "newer newer [1] {'a': 1} 1"


def test_with_its_cached_bytecode_an_untouched_constant_is_renewed(tmp_path: Path) -> None:
    lines = run(tmp_path, no_cache=False, early=EDIT, policy="merge")
    assert lines[0] == "newer newer [1] {'a': 1} 2"


def test_what_stays_unknown_counts_as_touched(tmp_path: Path) -> None:
    lines = run(tmp_path, no_cache=True, early=EDIT, policy="merge")
    assert lines == ["newer newer [1] {'a': 1} 1", "['mod.X']"]


def test_an_edit_after_the_import_of_rebottle_is_known(tmp_path: Path) -> None:
    lines = run(tmp_path, no_cache=True, late=EDIT, policy="merge")
    assert lines[0].startswith("newer newer [1]")


@pytest.mark.parametrize("cached", [True, False])
def test_a_property_of_a_module_imported_before_keeps_its_functions_apart(program: Program, cached: bool) -> None:
    source = """
        import dataclasses
        @dataclasses.dataclass
        class C:
            x: int = 1
            @property
            def t(self): return self.x
            @t.setter
            def t(self, value): self.x = value
    """
    program.world.write("mod", source)
    lines = run_script(
        program.world.root,
        f"""
        import sys
        sys.dont_write_bytecode = not {cached}
        import mod
        from pathlib import Path
        text = Path("mod.py").read_text()
        if not {cached}:
            Path("mod.py").write_text(text.replace("= value", "= value + 1"))
        import rebottle
        rebottle.reload(["mod"], force="functions")
        one = mod.C()
        one.t = 5
        print(one.t)
        """,
    )
    assert lines == ["5" if cached else "6"]
