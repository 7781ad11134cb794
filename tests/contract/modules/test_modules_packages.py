"""Section 9: a module that became a package, and modules that aren't found any more."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import rebottle
from tests.contract.api.scenario import Program

OLD = "X = 1\ndef f(): return 'old'\n"
NEW = OLD.replace("'old'", "'new'")


def test_a_module_becomes_a_package(program: Program) -> None:
    world = program.world
    [m] = program.load(m=OLD)
    name, f = m.__name__, m.f
    path = world.write(name, OLD)
    path.unlink()
    world.write(name, "from .part import p\n" + NEW, package=True)
    world.write(f"{name}.part", "def p(): return 'part'\n")
    program.reload([name])
    assert sys.modules[name] is m
    assert m.f is f
    assert (f(), m.p()) == ("new", "part")
    assert Path(m.__file__ or "").name == "__init__.py"
    assert list(m.__path__) == [str(Path(m.__file__ or "").parent)]
    assert m.__package__ == name
    assert m.__spec__ is not None
    assert m.__spec__.submodule_search_locations == list(m.__path__)
    assert m.__loader__ is m.__spec__.loader
    assert importlib.import_module(f"{name}.part") is m.part


def test_a_failed_update_leaves_the_module_a_module(program: Program) -> None:
    world = program.world
    [m] = program.load(m=OLD)
    spec, file, package = m.__spec__, m.__file__, m.__package__
    world.write(m.__name__, OLD).unlink()
    world.write(m.__name__, NEW + "1 / 0\n", package=True)
    with pytest.raises(rebottle.ExecutionError):
        rebottle.reload([m])
    assert m.f() == "old"
    assert (m.__spec__, m.__file__, m.__package__) == (spec, file, package)
    assert not hasattr(m, "__path__")


def test_rollback_makes_it_a_module_again(program: Program) -> None:
    world = program.world
    [m] = program.load(m=OLD)
    file = m.__file__
    world.write(m.__name__, OLD).unlink()
    world.write(m.__name__, NEW, package=True)
    rebottle.reload([m]).rollback()
    assert m.f() == "old"
    assert m.__file__ == file
    assert not hasattr(m, "__path__")


def test_a_package_becomes_a_module(program: Program) -> None:
    world = program.world
    name = world.name("pkg")
    init = world.write(name, OLD, package=True)
    world.write(f"{name}.part", "Y = 1\n")
    package = world.load(name)
    part = importlib.import_module(f"{name}.part")
    init.unlink()
    (init.parent / "part.py").unlink()
    init.parent.rmdir()
    world.write(name, NEW)
    program.reload([name])
    assert package.f() == "new"
    assert Path(package.__file__ or "").name == f"{name}.py"
    assert package.part is part


def test_what_belongs_to_submodules_stays(program: Program) -> None:
    world = program.world
    name = world.name("pkg")
    package = world.load(name, OLD, package=True)
    part = world.load(f"{name}.part", "Y = 1\n")
    world.write(name, NEW, package=True)
    program.reload([name], prune=True)
    assert package.part is part
    assert package.f() == "new"


def gone(program: Program, *stems: str) -> list[str]:
    """Modules of a package whose files are deleted after the import; the package and them."""
    world = program.world
    name = world.name("pkg")
    world.load(name, "X = 1\n", package=True)
    for stem in stems:
        world.load(f"{name}.{stem}", OLD)
        world.write(f"{name}.{stem}", OLD).unlink()
    importlib.invalidate_caches()
    return [name, *(f"{name}.{stem}" for stem in stems)]


def test_a_module_named_one_by_one_that_is_gone_is_an_error(program: Program) -> None:
    _, name = gone(program, "part")
    with pytest.raises(rebottle.SourceError) as caught:
        rebottle.reload([name])
    assert name in str(caught.value)
    assert sys.modules[name].f() == "old"


@pytest.mark.parametrize("prune", [False, True])
def test_a_single_name_is_an_error_under_prune_as_well(program: Program, prune: bool) -> None:
    _, name = gone(program, "part")
    with pytest.raises(rebottle.SourceError):
        rebottle.reload(name, prune=prune)
    assert name in sys.modules


def test_one_that_only_a_pattern_named_stays_and_is_listed(program: Program) -> None:
    package, name = gone(program, "part")
    module = sys.modules[name]
    report = program.reload([f"{package}.*"])
    assert report.ok
    assert sys.modules[name] is module
    assert sys.modules[package].part is module
    assert module.f() == "old"
    assert name in report.to_json()


def test_the_rest_of_a_pattern_is_updated(program: Program) -> None:
    package, name = gone(program, "part")
    other = program.world.load(f"{package}.other", OLD)
    program.world.write(f"{package}.other", NEW)
    program.reload([f"{package}.*"])
    assert other.f() == "new"
    assert sys.modules[name].f() == "old"


def test_under_prune_it_is_taken_out_of_modules_and_parent(program: Program) -> None:
    package, name = gone(program, "part")
    module = sys.modules[name]
    report = program.reload([f"{package}.*"], prune=True, undo=False)
    assert name not in sys.modules
    assert not hasattr(sys.modules[package], "part")
    assert module.f() == "old"
    report.rollback()
    assert sys.modules[name].f() == "old"
    assert sys.modules[package].part is sys.modules[name]


def test_a_module_that_comes_back_is_updated(program: Program) -> None:
    package, name = gone(program, "part")
    program.reload([f"{package}.*"])
    program.world.write(name, NEW)
    program.reload([f"{package}.*"])
    assert sys.modules[name].f() == "new"
