"""Contract 3: kinds may change, and old holders follow."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import pytest

KINDS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "function": ("def f(x): return ['function', x]\n", lambda result: result),
    "coroutine": ("async def f(x): return ['coroutine', x]\n", lambda result: asyncio.run(result)),
    "generator": ("def f(x):\n    yield 'generator'\n    yield x\n", list),
    "async generator": (
        "async def f(x):\n    yield 'async generator'\n    yield x\n",
        lambda result: asyncio.run(collect(result)),
    ),
    "class": (
        "class f:\n    def __init__(self, x): self.x = x\n    def get(self): return ['class', self.x]\n",
        lambda result: result.get(),
    ),
    "decorated": (
        "def deco(func):\n    def wrapper(x): return ['decorated', func(x)]\n    return wrapper\n"
        "@deco\ndef f(x): return x\n",
        lambda result: result,
    ),
    "lambda": ("f = lambda x: ['lambda', x]\n", lambda result: result),
    "context manager": (
        "import contextlib\n@contextlib.contextmanager\ndef f(x):\n    yield ['context manager', x]\n",
        lambda result: entered(result),
    ),
    "lru_cache": ("import functools\n@functools.lru_cache\ndef f(x): return ['lru_cache', x]\n", lambda result: result),
}


async def collect(source: Any) -> list[object]:
    """The items of an async generator."""
    return [item async for item in source]


def entered(manager: Any) -> object:
    """What a context manager yields."""
    with manager as value:
        return value


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(KINDS, 2)))
def test_old_holders_follow_a_change_of_kind(ab: Any, old: str, new: str) -> None:
    (before, get_old), (after, get_new) = KINDS[old], KINDS[new]
    m, update = ab(before)
    held, part = m.f, functools.partial(m.f, 1)
    calls: list[Callable[[], Any]] = [lambda: m.f(1), lambda: held(1), part]
    assert get_old(held(1)) == [old, 1]
    report = update(after, undo=False)
    for call in calls:
        assert get_new(call()) == [new, 1]
    report.rollback()
    for call in calls:
        assert get_old(call()) == [old, 1]
    assert m.f is held


@pytest.mark.parametrize("kind", ["function", "coroutine", "generator", "async generator"])
def test_inspect_tells_the_new_kind_of_the_same_object(ab: Any, kind: str) -> None:
    m, update = ab("def f(x): return x * 2\n")
    held = m.f
    update(KINDS[kind][0])
    assert m.f is held
    assert inspect.iscoroutinefunction(held) == (kind == "coroutine")
    assert inspect.isgeneratorfunction(held) == (kind == "generator")
    assert inspect.isasyncgenfunction(held) == (kind == "async generator")


@pytest.mark.parametrize("new", ["coroutine", "generator"])
def test_a_method_changes_its_kind_for_bound_methods_taken_earlier(ab: Any, new: str) -> None:
    m, update = ab("class C:\n    def f(self, x): return x\n")
    bound = m.C().f
    text, get = KINDS[new]
    update("class C:\n" + "".join(f"    {line}\n" for line in text.replace("f(x)", "f(self, x)").splitlines()))
    assert get(bound(1)) == [new, 1]


DECO = """
    log = []
    def deco(name):
        def outer(func):
            def wrapper(*args):
                log.append(name)
                return func(*args)
            return wrapper
        return outer
"""


@pytest.mark.parametrize(
    ("old", "new", "calls"),
    [
        ("", "@deco('a')", ["a"]),
        ("@deco('a')", "@deco('b')", ["b"]),
        ("@deco('a')", "", []),
        ("@deco('a')", "@deco('a')\n    @deco('b')", ["a", "b"]),
        ("@deco('a')\n    @deco('b')", "@deco('b')", ["b"]),
        ("@deco('a')\n    @deco('b')", "@deco('b')\n    @deco('a')", ["b", "a"]),
    ],
)
def test_decorators_are_added_removed_or_get_other_arguments(
    ab: Any, program: Any, old: str, new: str, calls: list[str]
) -> None:
    m, update = ab(f"{DECO}\n    {old}\n    def f(x): return x\n")
    [app] = program.load(app="from @m@ import f\ntable = {'f': f}\ndef call(): return table['f'](1)\n")
    held = m.f
    report = update(f"{DECO}\n    {new}\n    def f(x): return x + 1\n", undo=False)
    for call in (lambda: m.f(1), lambda: held(1), lambda: app.f(1), app.call):
        m.log.clear()
        assert call() == 2
        assert m.log == calls
    report.rollback()
    for call in (lambda: m.f(1), lambda: held(1), lambda: app.f(1), app.call):
        assert call() == 1


OTHER = {
    "data": ("def f(): return 'old'\n", "f = ['data']\n"),
    "the name of something else": ("def f(): return 'old'\n", "from json import dumps as f\n"),
    "a partial": ("def f(): return 'old'\n", "import functools\nf = functools.partial(int, '5')\n"),
    "a class that becomes data": ("class f:\n    pass\n", "f = 5\n"),
}


@pytest.mark.parametrize("what", OTHER)
def test_what_becomes_data_or_another_s_name_is_rebound_importers_included(ab: Any, program: Any, what: str) -> None:
    old, new = OTHER[what]
    m, update = ab(old)
    [app] = program.load(app="from @m@ import f\n")
    held, code = m.f, getattr(m.f, "__code__", None)
    report = update(new)
    assert m.f is not held
    assert app.f is m.f
    assert getattr(held, "__code__", None) is code
    if code is not None:
        assert held() == "old"
    assert "kind-changed" in str(report.to_json())
    report.rollback()
    assert m.f is app.f is held


@pytest.mark.parametrize("form", ["from {} import f, K, util", "import {0}\nf, K, util = {0}.f, {0}.K, {0}.util"])
def test_another_import_under_the_same_name_is_passed_on_to_importers(program: Any, form: str) -> None:
    text = "import json as util\ndef f(): return 'old'\nclass K: pass\n"
    one, two, facade, app, third, own = program.load(
        one=text,
        two=text.replace("json", "os"),
        facade=form.format("@one@") + "\n",
        app="from @facade@ import f as g, K, util\n",
        third="from @app@ import *\nfrom @one@ import f\n",
        own="from @facade@ import *\ndef f(): return 'own'\n",
    )
    program.update({"facade": form.format("@two@") + "\n"})
    assert (facade.f, facade.K, facade.util) == (two.f, two.K, two.util)
    assert (app.g, app.K, app.util) == (two.f, two.K, two.util) == (third.g, third.K, third.util)
    assert third.f is one.f
    assert own.f() == "own"
    assert own.K is two.K


@pytest.mark.parametrize("new", ["def f(): return 'new'\n", "class f: pass\n"])
def test_data_that_becomes_a_definition_is_rebound_importers_included(ab: Any, program: Any, new: str) -> None:
    m, update = ab("f = ['data']\n")
    [app] = program.load(app="from @m@ import f\n")
    held = m.f
    report = update(new)
    assert callable(m.f)
    assert app.f is m.f
    assert held == ["data"]
    assert "kind-changed" in str(report.to_json())
    report.rollback()
    assert m.f is app.f is held


def test_a_function_that_becomes_a_class_works_with_isinstance(ab: Any) -> None:
    m, update = ab("def Point(x): return x\n")
    held = m.Point
    update("class Point:\n    def __init__(self, x): self.x = x\n")
    assert isinstance(held(1), m.Point)
    assert isinstance(m.Point, type)


def test_an_alias_of_a_function_that_becomes_decorated_forwards(ab: Any) -> None:
    m, update = ab("def f(x): return x\ng = f\n")
    held = m.g
    update("def twice(func): return lambda x: func(x) * 2\n@twice\ndef f(x): return x\ng = f\n")
    assert (m.f(2), m.g(2), held(2)) == (4, 4, 4)


def test_a_held_generator_function_that_becomes_a_context_manager(ab: Any) -> None:
    m, update = ab("def f():\n    yield 'value'\n")
    held = m.f
    update("import contextlib\n@contextlib.contextmanager\ndef f():\n    yield 'value'\n")
    with contextlib.ExitStack() as stack:
        assert stack.enter_context(held()) == "value"
        assert stack.enter_context(m.f()) == "value"
