"""Section 3: attributes of functions, and the names that the program has patched."""

from __future__ import annotations

import functools
from typing import Any

import pytest

TAG = """
    def tag(value):
        def decorator(function):
            function.tag = value
            return function
        return decorator
    """


def test_a_statement_that_gives_an_unchanged_function_an_attribute(ab: Any) -> None:
    m, update = ab("def f(): return 1\n")
    f = m.f
    update("def f(): return 1\nf.limit = 3\nsetattr(f, 'items', [])\n")
    assert m.f is f
    assert (f.limit, f.items) == (3, [])


def test_an_edited_attribute_follows_and_those_of_the_program_stay(ab: Any) -> None:
    m, update = ab("def f(): return 1\nf.limit = 1\n")
    m.f.calls = 5
    update("def f(): return 1\nf.limit = 3\n")
    assert vars(m.f) == {"limit": 3, "calls": 5}


@pytest.mark.parametrize("new", ["def f(): return 2\n", "def f(a=1): return 2\n"])
def test_an_edited_attribute_of_a_changed_function(ab: Any, new: str) -> None:
    m, update = ab("def f(): return 1\nf.limit = 1\n")
    f = m.f
    report = update(new + "f.limit = 3\n")
    assert (f(), f.limit) == (2, 3)
    report.rollback()
    assert (f(), f.limit) == (1, 1)


def test_an_attribute_that_a_statement_deletes(ab: Any) -> None:
    m, update = ab("def f(): return 1\nf.limit = 1\n")
    report = update("def f(): return 1\nf.limit = 1\ndel f.limit\n")
    assert not hasattr(m.f, "limit")
    report.rollback()
    assert m.f.limit == 1


def test_what_the_program_sets_after_the_update_survives_the_rollback(ab: Any) -> None:
    m, update = ab("def f(): return 1\n")
    report = update("def f(): return 1\nf.limit = 3\n", undo=False)
    m.f.calls = 7
    report.rollback()
    assert vars(m.f) == {"calls": 7}


@pytest.mark.parametrize("definition", ["def f(): return 1\n", "def f(a=1): return 1\n"])
def test_an_edited_decorator_renews_the_attributes_that_it_sets(program: Any, definition: str) -> None:
    text = "from @lib@ import tag\n@tag({})\n{}"
    _, m = program.load(lib=TAG, m=text.format(1, "def f(): return 1\n"))
    f = m.f
    program.update({"m": text.format(2, definition)})
    assert m.f is f
    assert f.tag == 2


def test_the_same_decorator_run_again_leaves_what_the_program_set(program: Any) -> None:
    text = "from @lib@ import tag\n@tag(1)\ndef f({}): return 1\n"
    _, m = program.load(lib=TAG, m=text.format(""))
    m.f.tag = 9
    program.update({"m": text.format("a=1")})
    assert m.f.tag == 9


@pytest.mark.parametrize("parameter", ["", ", x=2"])
def test_a_patched_method_stays_and_the_one_beneath_follows(ab: Any, parameter: str) -> None:
    m, update = ab("class C:\n    def g(self): return 1\n")
    beneath = m.C.g

    def patch(self: Any) -> Any:
        return "patch", beneath(self)

    m.C.g = patch
    update(f"class C:\n    def g(self{parameter}): return 2\n", undo=False)
    assert m.C.g is patch
    assert m.C().g() == ("patch", 2)


@pytest.mark.parametrize("form", ["f = lambda x=1: x\n", "import functools\nf = functools.cache(lambda x=1: x)\n"])
def test_a_default_of_a_lambda(ab: Any, form: str) -> None:
    m, update = ab(form)
    report = update(form.replace("x=1", "x=2"))
    assert m.f() == 2
    assert report.changes


def test_a_lambda_is_the_function_of_its_name(ab: Any) -> None:
    m, update = ab("f = lambda x=1: x\nclass C:\n    g = lambda self, x=1: x\n")
    held, bound, partial = m.f, m.C().g, functools.partial(m.f)
    report = update("f = lambda x=2: x\nclass C:\n    g = lambda self, x=2: x\n")
    assert m.f is held
    assert (held(), bound(), partial()) == (2, 2, 2)
    assert {change.where.split(".", 1)[1] for change in report.changes} == {"f", "C.g"}


def test_a_method_with_a_type_parameter_leaves_nothing_of_the_compiler_in_the_class(ab: Any) -> None:
    m, update = ab("class C:\n    def g(self, a): return a\n")
    update("class C:\n    def g[T](self, a: T) -> T: return a\n")
    assert not [name for name in vars(m.C) if "cell" in name]
    assert [parameter.__name__ for parameter in m.C.g.__type_params__] == ["T"]


def test_a_type_of_a_singledispatch_goes_back(ab: Any) -> None:
    a = (
        "import functools\n@functools.singledispatch\ndef f(x): return 'object'\n"
        "@f.register\ndef _(x: int): return 'int'\n"
    )
    m, update = ab(a)
    report = update(a.replace("'int'", "'new int'") + "@f.register\ndef _(x: list): return 'list'\n")
    assert (m.f(1), m.f([]), m.f("")) == ("new int", "list", "object")
    back = report.rollback()
    assert (m.f(1), m.f([]), m.f("")) == ("int", "object", "object")
    back.rollback()
    assert (m.f(1), m.f([]), m.f("")) == ("new int", "list", "object")


@pytest.mark.parametrize("before", ["", "@register\n"])
def test_a_function_that_is_a_key_has_one_entry_whatever_is_undone(program: Any, before: str) -> None:
    lib = "KEYS = {}\ndef register(f):\n    KEYS[f] = 1\n    return f\n"
    text = "from @lib@ import register\n{}def f({}): return 1\n"
    tools, m = program.load(lib=lib, m=text.format(before, ""))
    first = [m.f] if before else []
    report = program.update({"m": text.format("@register\n", "a=1")})
    assert list(tools.KEYS) == [m.f]
    back = report.rollback()
    assert list(tools.KEYS) == first
    back.rollback()
    assert list(tools.KEYS) == [m.f]
