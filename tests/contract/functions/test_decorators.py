"""Contract 3: what edits of decorated functions, of wrappers and of decorators do."""

from __future__ import annotations

import functools
from typing import Any

import pytest

import rebottle

TOOLS = """
    import functools
    made = []
    def trace(func):
        made.append(func.__name__)
        @functools.wraps(func)
        def wrapper(*args): return ("wrapper", func(*args))
        return wrapper
    class Trace:
        def __init__(self, func): self.func = func
        def __call__(self, *args): return ("wrapper", self.func(*args))
    def nested(tag):
        made.append(tag)
        def deco(func):
            made.append(func.__name__)
            def wrapper(*args): return ("wrapper", func(*args))
            return wrapper
        return deco
"""
DECORATORS = ["tools.trace", "tools.Trace", "tools.nested('x')"]


@pytest.mark.parametrize("decorator", DECORATORS)
def test_an_edit_of_the_function_shows_through_the_wrapper_and_runs_no_decorator(program: Any, decorator: str) -> None:
    text = f"import @tools@ as tools\n@{decorator}\ndef f(x): return ('old', x)\n"
    tools, m = program.load(tools=TOOLS, m=text)
    held, made = m.f, list(tools.made)
    report = program.update({"m": text.replace("old", "new")})
    assert m.f is held
    assert held(1) == ("wrapper", ("new", 1))
    assert tools.made == made
    report.rollback()
    assert held(1) == ("wrapper", ("old", 1))


@pytest.mark.parametrize("decorator", DECORATORS)
def test_an_edit_of_the_wrapper_shows_in_all_functions_it_decorated_elsewhere(program: Any, decorator: str) -> None:
    one = f"import @tools@ as tools\n@{decorator}\ndef f(x): return x\n"
    two = f"import @tools@ as tools\n@{decorator}\ndef g(x): return -x\n"
    two += f"class C:\n    @{decorator}\n    def m(x): return x\n"
    tools, a, b = program.load(tools=TOOLS, one=one, two=two)
    made = list(tools.made)
    report = program.update({"tools": TOOLS.replace('("wrapper"', '("new wrapper"')})
    assert (a.f(1), b.g(1), vars(b.C)["m"](1)) == (("new wrapper", 1), ("new wrapper", -1), ("new wrapper", 1))
    assert tools.made == made
    report.rollback()
    assert (a.f(1), b.g(1)) == (("wrapper", 1), ("wrapper", -1))


def test_wrapper_and_function_edited_in_one_update_both_show(program: Any) -> None:
    text = "import @tools@ as tools\n@tools.trace\ndef f(x): return ('old', x)\n"
    _, m = program.load(tools=TOOLS, m=text)
    held = m.f
    program.update({"m": text.replace("old", "new"), "tools": TOOLS.replace('("wrapper"', '("new wrapper"')})
    assert held(1) == ("new wrapper", ("new", 1))


def test_an_edit_through_three_layers_of_wrappers_shows(program: Any) -> None:
    text = "import @tools@ as tools\nlayer = tools.nested('y')\n"
    text += "@tools.Trace\n@tools.trace\n@layer\ndef f(x): return 'old'\n"
    _, m = program.load(tools=TOOLS, m=text)
    held = m.f
    program.update({"m": text.replace("old", "new")})
    assert held(1) == ("wrapper", ("wrapper", ("wrapper", "new")))


COUNT = """
    runs = []
    def deco(func):
        runs.append("deco")
        return func
    def default():
        runs.append("default")
        return 1
    {line}
    def f({parameters}): return {body}
"""


@pytest.mark.parametrize(
    ("change", "ran"),
    [
        ({"body": "x + 1"}, []),
        ({"parameters": "x=default(), y=2"}, ["deco"]),
        ({"parameters": "x: int = default()"}, ["deco"]),
        ({"parameters": "x=default() + 1"}, ["default", "deco"]),
        ({"line": "@deco\n    @deco"}, ["deco", "deco"]),
    ],
)
def test_decorators_run_again_for_their_own_lines_and_parameters_never_for_a_body(
    ab: Any, change: dict[str, str], ran: list[str]
) -> None:
    a = {"line": "@deco", "parameters": "x=default()", "body": "x"}
    m, update = ab(COUNT.format(**a))
    held, before = m.f, len(m.runs)
    update(COUNT.format(**{**a, **change}))
    assert m.f is held
    assert m.runs[before:] == ran


REGISTRY = """
    handlers, table, names, seen = [], {{}}, {{}}, set()
    def register(func):
        handlers.append(func)
        table[func.__name__] = func
        names[func] = func.__name__
        seen.add(func)
        return func
    @register
    def f({parameters}): return "{body}"
    @register
    def g(): return "g"
"""


def test_decorators_run_again_leave_one_entry_in_list_dict_and_set(ab: Any) -> None:
    m, update = ab(REGISTRY.format(parameters="x=1", body="old"))
    f, g = m.f, m.g
    update(REGISTRY.format(parameters="x=1, y=2", body="new"))
    assert m.handlers in ([f, g], [g, f])
    assert m.table == {"f": f, "g": g}
    assert m.names == {f: "f", g: "g"}
    assert m.seen == {f, g}
    assert m.table["f"] is m.handlers[m.handlers.index(f)] is m.f is f
    assert m.handlers[m.handlers.index(f)]() == "new"


def test_the_place_of_an_entry_in_a_list_stays(ab: Any) -> None:
    m, update = ab(REGISTRY.format(parameters="x=1", body="old"))
    update(REGISTRY.format(parameters="x=2", body="old"))
    assert [f.__name__ for f in m.handlers] == ["f", "g"]


ROUTES = """
    routes = {{}}
    def route(path):
        def deco(func):
            routes[path] = func
            return func
        return deco
    @route("{path}")
    def page(): return "{body}"
"""


def test_an_entry_under_an_old_key_stays_and_is_listed(ab: Any) -> None:
    m, update = ab(ROUTES.format(path="/old", body="old"))
    page = m.page
    report = update(ROUTES.format(path="/new", body="new"))
    assert m.routes == {"/old": page, "/new": page}
    assert m.routes["/old"]() == m.routes["/new"]() == "new"
    assert "/old" in str(report) or any("routes" in str(item) or "page" in str(item) for item in report.kept)
    report.rollback()
    assert m.routes == {"/old": page}
    assert page() == "old"


def test_a_body_edit_below_a_route_registers_nothing(ab: Any) -> None:
    m, update = ab(ROUTES.format(path="/a", body="old"))
    update(ROUTES.format(path="/a", body="new"))
    assert list(m.routes) == ["/a"]
    assert m.routes["/a"]() == "new"


def test_a_new_decorated_function_is_registered_once(ab: Any) -> None:
    a = ROUTES.format(path="/a", body="a")
    m, update = ab(a)
    report = update(a + '    @route("/b")\n    def other(): return "b"\n')
    assert list(m.routes) == ["/a", "/b"]
    assert m.routes["/b"] is m.other
    report.rollback()
    assert list(m.routes) == ["/a"]


def test_the_part_of_a_decorator_outside_its_wrapper_counts_for_later_definitions(program: Any) -> None:
    lib = """
        made = []
        def mark(func):
            func.mark = "old"
            made.append(func.__name__)
            return func
    """
    tools, m = program.load(lib=lib, m="from @lib@ import mark\n@mark\ndef f(): pass\n")
    report = program.update({"lib": lib.replace('"old"', '"new"')})
    assert m.f.mark == "old"
    assert tools.made == ["f"]
    assert f"{m.__name__}.f" in str(report), "those made earlier are listed"
    program.update({"m": "from @lib@ import mark\n@mark\ndef f(): pass\n@mark\ndef g(): pass\n"})
    assert (m.f.mark, m.g.mark) == ("old", "new")


def test_a_class_based_decorator_keeps_its_state(program: Any) -> None:
    tools = """
        class Count:
            def __init__(self, func): self.func, self.calls = func, 0
            def __call__(self, *args):
                self.calls += 1
                return self.func(*args)
    """
    text = "from @tools@ import Count\n@Count\ndef f(): return 'old'\n"
    _, m = program.load(tools=tools, m=text)
    held = m.f
    held()
    program.update({"m": text.replace("old", "new")}, undo=False)
    assert (m.f is held, held(), held.calls) == (True, "new", 2)


def test_functools_wraps_copies_follow_the_function(program: Any) -> None:
    text = "import @tools@ as tools\n@tools.trace\ndef f(x):\n    'old'\n    return x\n"
    _, m = program.load(tools=TOOLS, m=text)
    held = m.f
    report = program.update({"m": text.replace("f(x)", "f(x, y=1)").replace("'old'", "'new'")})
    assert m.f is held
    assert (held.__name__, held.__doc__) == ("f", "new")
    assert held.__wrapped__.__defaults__ == (1,)
    report.rollback()
    assert held.__doc__ == "old"


LRU = "import functools\n{decorator}\ndef f(x): return ('{body}', x)\n"


def test_the_cache_of_a_changed_function_is_emptied_and_the_wrapper_stays(ab: Any) -> None:
    m, update = ab(LRU.format(decorator="@functools.lru_cache", body="old"))
    held = m.f
    assert held(1) == ("old", 1)
    report = update(LRU.format(decorator="@functools.lru_cache", body="new"), undo=False)
    assert m.f is held
    assert held.cache_info().currsize == 0
    assert held(1) == ("new", 1)
    report.rollback()
    assert held(1) == ("old", 1)


def test_the_cache_of_an_unchanged_function_is_left_alone(ab: Any) -> None:
    a = "import functools\n@functools.lru_cache\ndef f(x): return [x]\ndef g(): return '{}'\n"
    m, update = ab(a.format("old"))
    kept = m.f(1)
    update(a.format("new"))
    assert m.f(1) is kept


@pytest.mark.parametrize(
    ("old", "new", "size"),
    [
        ("@functools.lru_cache(maxsize=1)", "@functools.lru_cache(maxsize=2)", 2),
        ("@functools.cache", "@functools.lru_cache(5)", 5),
    ],
)
def test_changed_arguments_of_lru_cache_count_for_old_holders_too(ab: Any, old: str, new: str, size: int) -> None:
    m, update = ab(LRU.format(decorator=old, body="old"))
    held = m.f
    update(LRU.format(decorator=new, body="new"))
    assert held(1) == m.f(1) == ("new", 1)
    assert m.f.cache_info().maxsize == held.cache_info().maxsize == size


def test_the_cache_of_a_method_is_emptied(ab: Any) -> None:
    a = "import functools\nclass C:\n    @functools.cache\n    def m(self): return 'old'\n"
    m, update = ab(a)
    it = m.C()
    assert it.m() == "old"
    update(a.replace("old", "new"), undo=False)
    assert it.m() == "new"


def test_a_partial_made_of_a_wrapped_function_follows_both(program: Any) -> None:
    text = "import @tools@ as tools\n@tools.trace\ndef f(x): return ('old', x)\n"
    _, m = program.load(tools=TOOLS, m=text)
    held = functools.partial(m.f, 1)
    program.update({"m": text.replace("old", "new")})
    assert held() == ("wrapper", ("new", 1))
    rebottle.rollback()
    assert held() == ("wrapper", ("old", 1))


@pytest.mark.parametrize("force", [False, "functions", "classes"])
def test_what_a_decorator_marked_in_the_code_itself_stays(program: Any, force: Any) -> None:
    text = "import types\n@types.coroutine\ndef f():\n    yield 1\nasync def g(): await f()\n"
    [m] = program.load(m=text)
    rebottle.reload(m.__name__, sources={m.__name__: text.replace("yield 1", "yield 2")}, force=force)
    assert m.g().send(None) == 2
    rebottle.reload(m.__name__, sources={m.__name__: text.replace("@types.coroutine\n", "")})
    with pytest.raises(TypeError):
        m.g().send(None)
