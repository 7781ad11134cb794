"""Contract 1: data that a snippet rebinds or changes follows the rules for data, aliases in other modules too."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import rebottle

TABLES = {
    "dict": ("{'a': 1}", "{'a': 2, 'b': 3}"),
    "list": ("[1, 2]", "[3]"),
    "set": ("{1, 2}", "{2, 3}"),
    "deep dict": ("{'a': {'b': [1]}}", "{'a': {'b': [2]}, 'c': {}}"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_rebound_table_keeps_its_identity_and_importers_see_it(program: Any, kind: str) -> None:
    old, new = TABLES[kind]
    conf, app = program.load(conf=f"TABLE = {old}\n", app="from @conf@ import TABLE as T\ndef get(): return T\n")
    held = conf.TABLE
    report = rebottle.hotfix(program.world.text(f"import @conf@ as conf\nconf.TABLE = {new}\n"))
    assert conf.TABLE is held is app.T
    assert app.get() == eval(new)
    report.rollback()
    assert conf.TABLE is held is app.T
    assert app.get() == eval(old)


@pytest.mark.parametrize(
    ("old", "new"), [("1", "2"), ("'a'", "'b'"), ("(1, 2)", "(3,)"), ("None", "'set'"), ("1.5", "2")]
)
def test_a_rebound_constant_is_renewed_in_modules_that_imported_it(program: Any, old: str, new: str) -> None:
    conf, app = program.load(conf=f"LIMIT = {old}\n", app="from @conf@ import LIMIT\ndef get(): return LIMIT\n")
    report = rebottle.hotfix(program.world.text(f"import @conf@ as conf\nconf.LIMIT = {new}\n"))
    assert conf.LIMIT == app.get() == eval(new)
    report.rollback()
    assert conf.LIMIT == app.get() == eval(old)


def test_an_importer_that_bound_something_else_keeps_it(program: Any) -> None:
    conf, app = program.load(conf="LIMIT = 100001\n", app="from @conf@ import LIMIT\n")
    app.LIMIT = 7
    rebottle.hotfix(program.world.text("import @conf@ as conf\nconf.LIMIT = 100002\n"))
    assert (conf.LIMIT, app.LIMIT) == (100002, 7)


def test_an_equal_constant_that_was_not_imported_is_left_alone(program: Any) -> None:
    conf, app = program.load(conf="LIMIT = 100001\n", app="LIMIT = 100001\nOTHER = 100001\n")
    rebottle.hotfix(program.world.text("import @conf@ as conf\nconf.LIMIT = 100002\n"))
    assert (conf.LIMIT, app.LIMIT, app.OTHER) == (100002, 100001, 100001)


def test_a_table_changed_in_place_goes_back_with_the_rollback(ab: Any, program: Any) -> None:
    m, _ = ab("prices = {'sword': 10}\nnames = ['a']\ntags = {'x'}\n")
    fix = "import @m@ as m\nm.prices['bow'] = 5\nm.prices['sword'] = 11\nm.names.append('b')\nm.tags.add('y')\n"
    report = rebottle.hotfix(program.world.text(fix))
    assert (m.prices, m.names, m.tags) == ({"sword": 11, "bow": 5}, ["a", "b"], {"x", "y"})
    report.rollback()
    assert (m.prices, m.names, m.tags) == ({"sword": 10}, ["a"], {"x"})


def test_the_rollback_of_a_hotfix_keeps_what_the_program_did_meanwhile(ab: Any, program: Any) -> None:
    m, _ = ab("prices = {'sword': 10}\nscore = 0\n")
    report = rebottle.hotfix(program.world.text("import @m@ as m\nm.prices['bow'] = 5\n"))
    m.prices["axe"] = 7
    m.score = 3
    report.rollback()
    assert m.prices == {"sword": 10, "axe": 7}
    assert m.score == 3


def test_a_class_attribute_set_by_a_snippet_shows_on_instances_and_goes_back(ab: Any, program: Any) -> None:
    m, _ = ab("class C:\n    speed = 1\n")
    it = m.C()
    report = rebottle.hotfix(program.world.text("import @m@ as m\nm.C.speed = 2\nm.C.extra = 3\n"))
    assert (it.speed, it.extra) == (2, 3)
    report.rollback()
    assert it.speed == 1
    assert not hasattr(it, "extra")


def test_an_instance_attribute_set_or_deleted_by_a_snippet_goes_back(ab: Any, program: Any) -> None:
    m, _ = ab("class C:\n    def __init__(self): self.hp, self.mp = 1, 2\nit = C()\n")
    report = rebottle.hotfix(program.world.text("import @m@ as m\nm.it.hp = 9\ndel m.it.mp\nm.it.new = 1\n"))
    assert vars(m.it) == {"hp": 9, "new": 1}
    report.rollback()
    assert vars(m.it) == {"hp": 1, "mp": 2}


def test_functions_and_data_changed_by_one_snippet_go_back_together(ab: Any, program: Any) -> None:
    m, _ = ab("LIMIT = 1\ndef f(): return ('old', LIMIT)\n")
    held = m.f
    report = rebottle.hotfix(program.world.text("import @m@ as m\nm.LIMIT = 2\nm.f = lambda: ('new', m.LIMIT)\n"))
    assert held() == ("new", 2)
    report.rollback()
    assert held() == ("old", 1)


def test_the_snippet_s_own_writes_are_visible_as_it_runs(ab: Any, program: Any) -> None:
    m, _ = ab("LIMIT = 1\nseen = []\ndef get(): return LIMIT\n")
    fix = """
        import @m@ as m
        m.LIMIT = 2
        m.seen.append(m.get())
        m.new = lambda: "new"
        m.seen.append(m.new())
        def g(): return "replaced"
        m.get = g
        m.seen.append(m.get())
    """
    rebottle.hotfix(program.world.text(fix))
    assert m.seen == [2, "new", "replaced"]


def test_another_thread_sees_the_snippet_s_own_writes_as_it_runs(ab: Any, program: Any) -> None:
    m, _ = ab("import threading\nLIMIT = 1\nwritten, looked = threading.Event(), threading.Event()\nseen = []\n")

    def look() -> None:
        m.written.wait(10)
        m.seen.append(m.LIMIT)
        m.looked.set()

    other = threading.Thread(target=look)
    other.start()
    rebottle.hotfix(program.world.text("import @m@ as m\nm.LIMIT = 2\nm.written.set()\nassert m.looked.wait(10)\n"))
    other.join()
    assert m.seen == [2]


def test_a_deleted_name_is_gone_and_comes_back_with_the_rollback(ab: Any, program: Any) -> None:
    m, _ = ab("LIMIT = 1\nclass C:\n    def f(self): return 1\n")
    old = m.C.f
    report = rebottle.hotfix(program.world.text("import @m@ as m\ndel m.LIMIT, m.C.f\n"))
    assert not hasattr(m, "LIMIT")
    assert not hasattr(m.C, "f")
    report.rollback()
    assert m.LIMIT == 1
    assert m.C.f is old


def test_a_constant_changed_by_a_hotfix_is_kept_by_the_next_reload(ab: Any, program: Any) -> None:
    m, update = ab("LIMIT = 1\ndef f(): return ('old', LIMIT)\n")
    rebottle.hotfix(program.world.text("import @m@ as m\nm.LIMIT = 2\n"))
    update("LIMIT = 1\ndef f(): return ('new', LIMIT)\n")
    assert m.f() == ("new", 2)
