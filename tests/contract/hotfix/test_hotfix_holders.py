"""Contract 1: after a hotfix every holder of the replaced function runs the new one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import rebottle

WEAPONS = """
    class Gun:
        damage = 10

    gun = Gun()
"""

PLAYER = """
    class Player:
        def __init__(self):
            self.health = 1000

        def fire_func(self, target):
            target.health -= 1
"""

UI = """
    import functools
    from @player@ import Player

    player_fire = Player.fire_func
    shooter = Player()
    table = {"fire": Player.fire_func}
    bound = shooter.fire_func
    part = functools.partial(Player.fire_func, shooter)
    nested = [({"fire": (Player.fire_func,)},)]
"""

FIX = """
    import @weapons@ as weapon_data, @player@ as player
    weapon_data.gun.damage = 100
    def new_fire_func(self, target):
        target.health -= weapon_data.gun.damage
    player.Player.fire_func = new_fire_func
"""

HOLDERS: dict[str, Callable[[Any, Any], None]] = {
    "the class": lambda ui, target: ui.shooter.fire_func(target),
    "another module's name": lambda ui, target: ui.player_fire(ui.shooter, target),
    "a dispatch table": lambda ui, target: ui.table["fire"](ui.shooter, target),
    "a bound method taken earlier": lambda ui, target: ui.bound(target),
    "a partial": lambda ui, target: ui.part(target),
    "a nested container": lambda ui, target: ui.nested[0][0]["fire"][0](ui.shooter, target),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_every_holder_of_the_replaced_method_runs_the_new_one(program: Any, holder: str) -> None:
    _, _, ui = program.load(weapons=WEAPONS, player=PLAYER, ui=UI)
    fire, target = HOLDERS[holder], ui.Player()
    report = rebottle.hotfix(program.world.text(FIX))
    fire(ui, target)
    assert target.health == 900
    report.rollback()
    fire(ui, target)
    assert target.health == 899


def test_data_written_by_the_example_is_there_and_goes_back(program: Any) -> None:
    weapons, _, _ = program.load(weapons=WEAPONS, player=PLAYER, ui=UI)
    report = rebottle.hotfix(program.world.text(FIX))
    assert weapons.gun.damage == 100
    report.rollback()
    assert weapons.gun.damage == 10


def test_a_timer_started_before_calls_the_new_function(ab: Any, program: Any) -> None:
    m, _ = ab("seen = []\ndef f(): seen.append('old')\n")
    timer = threading.Timer(0, m.f)
    rebottle.hotfix(program.world.text("import @m@ as m\ndef g(): m.seen.append('new')\nm.f = g\n"))
    timer.start()
    timer.join()
    assert m.seen == ["new"]


def test_a_partial_outside_any_module_calls_the_new_function(ab: Any, program: Any) -> None:
    m, _ = ab("def f(x): return ('old', x)\n")
    held = partial(m.f, 1)
    report = rebottle.hotfix(program.world.text("import @m@ as m\ndef g(x): return ('new', x)\nm.f = g\n"))
    assert held() == ("new", 1)
    report.rollback()
    assert held() == ("old", 1)


def test_the_report_is_of_the_kind_hotfix_and_names_the_function(ab: Any, program: Any) -> None:
    m, _ = ab("def f(): return 1\n")
    report = rebottle.hotfix(program.world.text("import @m@ as m\nm.f = lambda: 2\n"))
    assert report.ok
    assert report.kind == "hotfix"
    assert f"{m.__name__}.f" in {change.where for change in report.changes}


def test_the_replaced_function_stays_the_same_object_with_its_own_names(ab: Any, program: Any) -> None:
    m, _ = ab("def f(): return 1\n")
    held = m.f
    rebottle.hotfix(program.world.text("import @m@ as m\ndef other(): return 2\nm.f = other\n"))
    assert m.f is held
    assert (held.__name__, held.__qualname__, held.__module__) == ("f", "f", m.__name__)


def test_a_replaced_method_keeps_its_qualified_name(ab: Any, program: Any) -> None:
    m, _ = ab("class C:\n    def f(self): return 1\n")
    held = m.C.f
    rebottle.hotfix(program.world.text("import @m@ as m\ndef other(self): return 2\nm.C.f = other\n"))
    assert m.C.f is held
    assert m.C().f() == 2
    assert (held.__name__, held.__qualname__, held.__module__) == ("f", "C.f", m.__name__)


def test_the_replaced_function_takes_the_defaults(ab: Any, program: Any) -> None:
    m, _ = ab("def f(a, b=1, *, c=2): return (a, b, c)\n")
    held = m.f
    report = rebottle.hotfix(
        program.world.text("import @m@ as m\ndef g(a=0, b=10, *, c=20): return (a, b, c)\nm.f = g\n")
    )
    assert held() == (0, 10, 20)
    report.rollback()
    assert held(5) == (5, 1, 2)
    with pytest.raises(TypeError):
        held()


def test_the_replaced_function_takes_the_closure(ab: Any, program: Any) -> None:
    m, _ = ab("def f(): return 1\n")
    held = m.f
    fix = """
        import @m@ as m
        def make(n):
            def inner(): return n
            return inner
        m.f = make(7)
    """
    report = rebottle.hotfix(program.world.text(fix))
    assert held() == m.f() == 7
    report.rollback()
    assert held() == m.f() == 1


def test_a_closure_takes_a_function_without_cells(ab: Any, program: Any) -> None:
    m, _ = ab("def make(n):\n    def inner(): return n\n    return inner\nf = make(1)\n")
    rebottle.hotfix(program.world.text("import @m@ as m\nm.f = lambda: 2\n"))
    assert m.f() == 2


def test_names_that_only_the_snippet_has_are_found(ab: Any, program: Any) -> None:
    m, _ = ab("def f(): return 1\n")
    held = m.f
    fix = """
        import math
        import @m@ as m
        FACTOR = 4
        def helper(x): return math.sqrt(x) * FACTOR
        def g(): return helper(9)
        m.f = g
    """
    report = rebottle.hotfix(program.world.text(fix))
    assert held() == 12
    assert not {"math", "helper", "FACTOR", "g"} & vars(m).keys()
    report.rollback()
    assert held() == 1


def test_the_module_s_own_names_are_not_the_snippet_s(ab: Any, program: Any) -> None:
    m, _ = ab("SECRET = 5\ndef f(): return SECRET\n")
    rebottle.hotfix(program.world.text("import @m@ as m\ndef g(): return SECRET\nm.f = g\n"))
    with pytest.raises(NameError):
        m.f()


KINDS = {
    "staticmethod": ("@staticmethod\n    def f(): return 1", "staticmethod(lambda: 2)", "C.f()"),
    "classmethod": ("@classmethod\n    def f(cls): return 1", "classmethod(lambda cls: 2)", "C.f()"),
    "property": ("@property\n    def f(self): return 1", "property(lambda self: 2)", "C().f"),
    "method to property": ("def f(self): return 1", "property(lambda self: 2)", "C().f"),
    "method to staticmethod": ("def f(self): return 1", "staticmethod(lambda: 2)", "C().f()"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_descriptors_of_a_class_are_replaced_by_a_snippet(ab: Any, program: Any, kind: str) -> None:
    before, after, call = KINDS[kind]
    m, _ = ab(f"class C:\n    {before}\n")
    old = vars(m.C)["f"]
    report = rebottle.hotfix(program.world.text(f"import @m@ as m\nm.C.f = {after}\n"))
    assert eval(call, vars(m)) == 2
    report.rollback()
    assert vars(m.C)["f"] is old


def test_holders_of_a_replaced_property_and_of_its_getter_follow(ab: Any, program: Any) -> None:
    m, _ = ab("class C:\n    @property\n    def f(self): return 1\n")
    held = vars(m.C)["f"]
    getter = held.fget
    rebottle.hotfix(program.world.text("import @m@ as m\nm.C.f = property(lambda self: 2)\n"))
    assert held.__get__(m.C()) == 2
    assert getter(m.C()) == 2


def test_a_held_decorated_function_runs_the_new_one(ab: Any, program: Any) -> None:
    m, _ = ab(
        """
        def trace(func):
            def wrapper(*args): return ("traced", func(*args))
            return wrapper

        @trace
        def f(): return 1
        """
    )
    held = m.f
    report = rebottle.hotfix(program.world.text("import @m@ as m\ndef g(): return 2\nm.f = g\n"))
    assert held() == m.f() == 2
    report.rollback()
    assert held() == m.f() == ("traced", 1)


def test_a_new_function_put_into_a_module_or_class_is_there_until_the_rollback(ab: Any, program: Any) -> None:
    m, _ = ab("class C: pass\n")
    it = m.C()
    report = rebottle.hotfix(program.world.text("import @m@ as m\nm.f = lambda: 1\nm.C.g = lambda self: 2\n"))
    assert m.f() == 1
    assert it.g() == 2
    report.rollback()
    assert not hasattr(m, "f")
    assert not hasattr(it, "g")


def test_one_snippet_replaces_functions_of_several_modules_at_once(program: Any) -> None:
    a, b = program.load(a="def f(): return 'a'\n", b="def f(): return 'b'\n")
    held = [a.f, b.f]
    report = rebottle.hotfix(
        program.world.text("import @a@ as a, @b@ as b\ndef g(): return 'new'\na.f = lambda: 'a2'\nb.f = lambda: 'b2'\n")
    )
    assert [f() for f in held] == ["a2", "b2"]
    report.rollback()
    assert [f() for f in held] == ["a", "b"]


def test_a_hotfixed_function_has_the_right_source_and_line(ab: Any, program: Any, tmp_path: Any) -> None:
    import inspect

    m, _ = ab("def f(): return 1\n")
    fix = tmp_path / "urgent.py"
    fix.write_text(program.world.text("import @m@ as m\n\ndef g():\n    return 2\n\nm.f = g\n"))
    rebottle.hotfix(fix)
    assert m.f() == 2
    assert m.f.__code__.co_firstlineno == 3
    assert m.f.__code__.co_filename.endswith("urgent.py")
    assert inspect.getsource(m.f) == "def g():\n    return 2\n"
