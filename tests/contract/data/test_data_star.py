"""Section 5: a new name appears in every module that star-imports it."""

from __future__ import annotations

from tests.contract.api.scenario import Program

LIB = "def f(): return 1\n"


def test_a_new_name_appears_in_star_importers(program: Program) -> None:
    lib, app, more = program.load(lib=LIB, app="from @lib@ import *\n", more="from @app@ import *\n")
    program.update({"lib": LIB + "def g(): return 2\nX = 3\nclass C: pass\n"})
    assert app.g is more.g is lib.g
    assert app.X == more.X == 3
    assert app.C is lib.C


def test_a_name_that_the_importer_binds_itself_stays(program: Program) -> None:
    _, app = program.load(lib=LIB, app="from @lib@ import *\ng = 'mine'\n")
    program.update({"lib": LIB + "def g(): return 2\n"})
    assert app.g == "mine"


def test_a_name_that_the_program_bound_there_stays(program: Program) -> None:
    _, app = program.load(lib=LIB, app="from @lib@ import *\n")
    app.g = "program"
    program.update({"lib": LIB + "def g(): return 2\n"})
    assert app.g == "program"


def test_an_underscore_name_does_not_appear(program: Program) -> None:
    lib, app = program.load(lib=LIB, app="from @lib@ import *\n")
    program.update({"lib": LIB + "_hidden = 1\n"})
    assert lib._hidden == 1
    assert not hasattr(app, "_hidden")


def test_all_decides_what_appears(program: Program) -> None:
    _, app = program.load(lib="__all__ = ['f']\n" + LIB, app="from @lib@ import *\n")
    program.update({"lib": "__all__ = ['f', '_g']\n" + LIB + "def _g(): return 2\ndef h(): return 3\n"})
    assert app._g() == 2
    assert not hasattr(app, "h")


def test_a_name_newly_listed_in_all_appears(program: Program) -> None:
    lib, app = program.load(lib="__all__ = ['f']\n" + LIB + "def g(): return 2\n", app="from @lib@ import *\n")
    assert not hasattr(app, "g")
    program.update({"lib": "__all__ = ['f', 'g']\n" + LIB + "def g(): return 2\n"})
    assert app.g is lib.g


def test_modules_without_star_do_not_get_it(program: Program) -> None:
    _, app = program.load(lib=LIB, app="from @lib@ import f\n")
    program.update({"lib": LIB + "def g(): return 2\n"})
    assert not hasattr(app, "g")


def test_a_changed_function_is_the_same_one_in_star_importers(program: Program) -> None:
    lib, app = program.load(lib=LIB, app="from @lib@ import *\n")
    held = app.f
    program.update({"lib": LIB.replace("1", "2")})
    assert app.f is held is lib.f
    assert held() == 2


def test_rollback_takes_the_name_out_again(program: Program) -> None:
    lib, app = program.load(lib=LIB, app="from @lib@ import *\n")
    program.update({"lib": LIB + "def g(): return 2\n"}).rollback()
    assert not hasattr(lib, "g")
    assert not hasattr(app, "g")


def test_a_constant_taken_by_star_is_renewed(program: Program) -> None:
    _, app = program.load(lib="LIMIT = 10_001\n", app="from @lib@ import *\n")
    program.update({"lib": "LIMIT = 20_002\n"}, policy="replace")
    assert app.LIMIT == 20_002
