"""Section 4: registries through metaclasses, ``__init_subclass__`` and decorators end with one entry per class."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import AB, Program

META = """
REG = {REG}
class Meta(type):
    def __init__(cls, name, bases, ns):
        super().__init__(name, bases, ns)
        {PUT}
class Plug(metaclass=Meta):
    def what(self): return "old"
class Mix: pass
class Child(Plug):
    size = 1
    def more(self): return 1
"""
INIT = """
REG = {REG}
class Plug:
    def __init_subclass__(cls):
        name = cls.__name__
        {PUT}
class Mix: pass
class Child(Plug):
    size = 1
    def more(self): return 1
"""
KINDS = {
    "dict": ("{}", "REG[name] = cls"),
    "list": ("[]", "REG.append(cls)"),
    "set": ("set()", "REG.add(cls)"),
}
FORMS = pytest.mark.parametrize("form", [META, INIT], ids=["metaclass", "init_subclass"])
EDITS = {
    "body": ("def more(self): return 1", "def more(self): return 2"),
    "new method": ("def more(self): return 1", "def more(self): return 2\n    def most(self): return 3"),
    "bases": ("Child(Plug):", "Child(Plug, Mix):"),
    "decorator": ("class Child", "def same(cls): return cls\n@same\nclass Child"),
}


def held(registry: object) -> list[type]:
    """The registered classes called ``Child``."""
    items = registry.values() if isinstance(registry, dict) else registry
    return [cls for cls in items if cls.__name__ == "Child"]  # type: ignore[attr-defined]


@FORMS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("edit", EDITS)
def test_a_registry_ends_with_one_entry_the_class_in_use(ab: AB, form: str, kind: str, edit: str) -> None:
    text = form.replace("{REG}", KINDS[kind][0]).replace("{PUT}", KINDS[kind][1])
    m, update = ab(text)
    child, registry = m.Child, m.REG
    update(text.replace(*EDITS[edit]))
    assert m.Child is child
    assert m.REG is registry
    assert held(registry) == [child]


@FORMS
def test_a_new_class_is_registered_once(ab: AB, form: str) -> None:
    text = form.replace("{REG}", "[]").replace("{PUT}", "REG.append(cls)")
    m, update = ab(text)
    update(text + "class Late(Plug): pass\n")
    assert m.REG.count(m.Late) == 1
    assert len(held(m.REG)) == 1


@FORMS
def test_a_registry_in_another_module(program: Program, form: str) -> None:
    head, _, child = form.replace("{REG}", "{}").replace("{PUT}", "REG[name] = cls").partition("class Mix")
    lib, app = program.load(lib=head, app="from @lib@ import Plug\nclass Mix" + child)
    before = app.Child
    program.update({"app": "from @lib@ import Plug\nclass Mix" + child.replace(*EDITS["bases"])})
    assert lib.REG["Child"] is app.Child is before
    assert len(held(lib.REG)) == 1


def test_a_class_decorators_registry_ends_with_one_entry(ab: AB) -> None:
    text = """
        REG = []
        def register(cls):
            REG.append(cls)
            return cls
        @register
        class Child:
            size = 1
        """
    m, update = ab(text)
    child = m.Child
    update(text + "    def more(self): return 1\n")
    assert [child] == m.REG
    assert m.Child is child
    assert child().more() == 1


def test_a_changed_class_decorator_is_not_run_for_classes_made_earlier(ab: AB) -> None:
    text = """
        def mark(cls):
            cls.mark = "old"
            return cls
        @mark
        class Child:
            size = 1
        """
    m, update = ab(text)
    report = update(text.replace('"old"', '"new"'))
    assert m.Child.mark == "old"
    assert "Child" in report.to_json()


def test_a_changed_metaclass_init_is_not_run_for_classes_made_earlier(ab: AB) -> None:
    text = META.replace("{REG}", "[]").replace("{PUT}", "cls.mark = 'old'")
    m, update = ab(text)
    report = update(text.replace("'old'", "'new'"))
    assert m.Child.mark == "old"
    assert vars(type("Late", (m.Plug,), {}))["mark"] == "new"
    assert "Child" in report.to_json()


def test_the_registered_class_makes_instances_of_the_class_in_use(ab: AB) -> None:
    text = INIT.replace("{REG}", "{}").replace("{PUT}", "REG[name] = cls")
    m, update = ab(text)
    living = m.REG["Child"]()
    update(text.replace(*EDITS["new method"]))
    assert living.most() == m.REG["Child"]().most() == 3


def test_an_entry_under_a_key_that_the_class_names_no_more_goes(program: Program) -> None:
    lib = """
        REG = {}
        class Plug:
            def __init_subclass__(cls, key): REG[key] = cls
        """
    text = "from @lib@ import Plug\nclass One(Plug, key='{0}'): pass\nclass Two(Plug, key='two'): pass\n"
    lib, app = program.load(lib=lib, app=text.format("one"))
    one = app.One
    lib.REG["by hand"] = one
    report = program.update({"app": text.format("first")}, undo=False)
    assert {"two": app.Two, "by hand": one, "first": one} == lib.REG
    report.rollback()
    assert list(lib.REG.items()) == [("one", one), ("two", app.Two), ("by hand", one)]
