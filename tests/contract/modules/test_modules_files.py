"""Section 9: modules come from files, packages, namespace packages and zip archives."""

from __future__ import annotations

import colorsys
import importlib
import inspect
import sys
import zipfile
from pathlib import Path

import pytest

import rebottle
from tests.contract.api.scenario import Program, run_script

OLD = "def f(): return 'old'\nclass C:\n    def g(self): return 'old'\n"
NEW = OLD.replace("'old'", "'new'")


def test_the_init_of_a_package(program: Program) -> None:
    world = program.world
    name = world.name("pkg")
    world.write(f"{name}.part", "def p(): return 'part'\n")
    package = world.load(name, "from .part import p\n" + OLD, package=True)
    part, f = sys.modules[f"{name}.part"], package.f
    world.write(name, "from .part import p\n" + NEW + "def use(): return p()\n", package=True)
    program.reload([name])
    assert package.f is f
    assert (f(), package.use()) == ("new", "part")
    assert package.part is part is sys.modules[f"{name}.part"]


def test_a_submodule_with_relative_imports(program: Program) -> None:
    world = program.world
    name = world.name("pkg")
    package = world.load(name, "X = 1\n", package=True)
    world.write(f"{name}.other", "def o(): return 'other'\n")
    sub = world.load(f"{name}.sub", OLD)
    world.write(f"{name}.sub", "from . import other\nfrom .other import o\n" + NEW)
    program.reload([f"{name}.sub"])
    assert sub.f() == "new"
    assert sub.o() == "other"
    assert package.sub is sub
    assert package.other is sub.other


def test_a_pattern_means_the_submodules(program: Program) -> None:
    world = program.world
    name = world.name("pkg")
    package = world.load(name, OLD, package=True)
    parts = [world.load(f"{name}.{part}", OLD) for part in ("a", "b")]
    world.write(name, NEW, package=True)
    for part in ("a", "b"):
        world.write(f"{name}.{part}", NEW)
    report = program.reload([f"{name}.*"])
    assert [part.f() for part in parts] == ["new", "new"]
    assert package.f() == "old"
    assert sorted(report.modules) == [f"{name}.a", f"{name}.b"]


def test_a_submodule_and_a_function_of_one_name_are_not_confused(program: Program) -> None:
    world = program.world
    name = world.name("pkg")
    world.write(f"{name}.run", "def run(): return 'old'\n")
    package = world.load(name, "from .run import run\n", package=True)
    run = package.run
    world.write(f"{name}.run", "def run(): return 'new'\n")
    world.write(name, "from .run import run\nX = 1\n", package=True)
    program.reload([name, f"{name}.run"])
    assert package.run is run
    assert run() == "new"
    assert package.X == 1


def test_a_module_of_a_namespace_package(program: Program) -> None:
    world = program.world
    space = world.name("space")
    module = world.load(f"{space}.inner", OLD)
    f, one = module.f, module.C()
    world.write(f"{space}.inner", NEW)
    program.reload([f"{space}.inner"])
    assert module.f is f
    assert f() == one.g() == "new"
    assert sys.modules[space].inner is module


def test_a_namespace_package_itself_has_nothing_to_change(program: Program) -> None:
    world = program.world
    space = world.name("space")
    world.load(f"{space}.inner", OLD)
    assert list(rebottle.reload([space]).changes) == []


def test_a_namespace_package_that_gets_an_init(program: Program) -> None:
    world = program.world
    space = world.name("space")
    module = world.load(f"{space}.inner", OLD)
    package = sys.modules[space]
    world.write(space, "def made(): return 1\n", package=True)
    program.reload([space])
    assert package.made() == 1
    assert package.inner is module
    assert Path(str(package.__file__)).name == "__init__.py"


@pytest.mark.parametrize("invalidate", [True, False])
def test_a_module_in_a_zip_archive(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, invalidate: bool
) -> None:
    name, archive = program.world.name("zipped"), tmp_path / "game.zip"

    def pack(text: str) -> None:
        with zipfile.ZipFile(archive, "w") as out:
            out.writestr("filler.txt", "x" * len(text))
            out.writestr(f"{name}.py", text)

    pack(OLD)
    monkeypatch.syspath_prepend(str(archive))
    module = importlib.import_module(name)
    f, one = module.f, module.C()
    pack("# a longer text than before\n" + NEW + "def more(): return 1\n")
    if invalidate:
        importlib.invalidate_caches()
    program.reload([name])
    assert module.f is f
    assert f() == one.g() == "new"
    assert module.more() == 1
    assert inspect.getsource(f) == "def f(): return 'new'\n"
    program.go_back()
    monkeypatch.delitem(sys.modules, name)


def test_a_module_that_is_found_elsewhere_now(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [module] = program.load(m=OLD)
    f, folder = module.f, tmp_path / "patch"
    folder.mkdir()
    (folder / f"{module.__name__}.py").write_text(NEW, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    program.reload([module])
    assert module.f is f
    assert f() == "new"
    assert Path(str(module.__file__)).parent == folder
    assert f.__code__.co_filename == module.__file__


def test_a_module_object_may_be_named(program: Program) -> None:
    [module] = program.load(m=OLD)
    program.write({"m": NEW})
    program.reload(module)
    assert module.f() == "new"


MAIN = """
import rebottle
from pathlib import Path
RUNS = []
RUNS.append(1)
def f(): return 'old'
if __name__ == '__main__':
    text = Path(__file__).read_text()
    Path(__file__).write_text(text.replace("return 'old'", "return 'new'", 1))
    rebottle.reload(['__main__'])
    print(f(), len(RUNS))
"""


def test_the_main_module_of_a_script(tmp_path: Path) -> None:
    assert run_script(tmp_path, MAIN) == ["new 1"]


def test_a_named_module_of_the_standard_library() -> None:
    text = inspect.getsource(colorsys).replace("def rgb_to_hls", "def added(): return 1\ndef rgb_to_hls")
    held = colorsys.rgb_to_hls
    report = rebottle.reload(["colorsys"], sources={"colorsys": text})
    try:
        assert vars(colorsys)["added"]() == 1
        assert colorsys.rgb_to_hls is held
    finally:
        report.rollback()
    assert not hasattr(colorsys, "added")


LEFT_ALONE = """
import colorsys, json, rebottle, sys
from pathlib import Path
Path("mod.py").write_text("def f(): return 1\\n")
import mod
Path("mod.py").write_text("def f(): return 2\\n")
print(rebottle.plan().modules, rebottle.reload().modules, mod.f())
"""


def test_the_standard_library_is_left_alone_unless_named(tmp_path: Path) -> None:
    assert run_script(tmp_path, LEFT_ALONE) == ["['mod'] ['mod'] 2"]
