"""Contract 3: the old function object stays and afterwards has everything of the new one."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import pytest

PAIRS = {
    "body": ("def f(): return 1", "def f(): return 2"),
    "one more parameter": ("def f(a): return 1", "def f(a, b): return a + b"),
    "one parameter less": ("def f(a, b): return 1", "def f(a): return a"),
    "renamed parameter": ("def f(a): return a", "def f(b): return b"),
    "default": ("def f(a=1): return a", "def f(a=2): return a"),
    "default added": ("def f(a): return a", "def f(a=2): return a"),
    "default removed": ("def f(a=1): return a", "def f(a): return a"),
    "keyword default": ("def f(*, a=1): return a", "def f(*, a=2): return a"),
    "keyword default removed": ("def f(*, a=1): return a", "def f(*, a): return a"),
    "positional only": ("def f(a, b=1): return a", "def f(a, /, b=1): return a"),
    "star arguments": ("def f(a): return a", "def f(*args, **kwargs): return args, kwargs"),
    "annotations": ("def f(a: int) -> int: return a", "def f(a: str, b: float = 1.0) -> bytes: return a"),
    "annotations removed": ("def f(a: int) -> int: return a", "def f(a): return a"),
    "docstring": ("def f():\n    'old'", "def f():\n    'new'"),
    "docstring added": ("def f(): return 1", "def f():\n    'new'\n    return 1"),
    "docstring removed": ("def f():\n    'old'\n    return 1", "def f():\n    return 1"),
    "type parameters": ("def f[T](a: T) -> T: return a", "def f[K, V: int](a: K, b: V) -> V: return b"),
    "type parameters added": ("def f(a: int) -> int: return a", "def f[T](a: T) -> T: return a"),
    "type parameters removed": ("def f[T](a: T) -> T: return a", "def f(a: int) -> int: return a"),
    "global names": ("X = 1\ndef f(): return X", "X = 1\nY = 2\ndef f(): return Y"),
    "lambda": ("f = lambda a=1: a", "f = lambda a, b=2: (a, b)"),
}


def content(f: Any) -> list[object]:
    """Everything of a function that its definition says."""
    rest = [f.__defaults__, f.__kwdefaults__, f.__doc__, f.__name__, f.__qualname__, vars(f)]
    hints = {name: str(hint) for name, hint in f.__annotations__.items()}
    code = f.__code__
    names = code.co_names, code.co_varnames, code.co_flags, code.co_firstlineno, code.co_code
    return [str(inspect.signature(f)), *rest, hints, [str(param) for param in f.__type_params__], *names]


@pytest.mark.parametrize("what", PAIRS)
def test_the_old_object_has_the_content_of_a_fresh_import(ab: Any, program: Any, what: str) -> None:
    old, new = PAIRS[what]
    m, update = ab(old + "\n")
    held, before = m.f, content(m.f)
    report = update(new + "\n")
    [fresh] = program.load(fresh=new + "\n")
    assert m.f is held
    assert content(held) == content(fresh.f)
    assert held.__globals__ is vars(m)
    report.rollback()
    assert m.f is held
    assert content(held) == before


@pytest.mark.parametrize("what", PAIRS)
def test_a_method_has_the_content_of_a_fresh_import(ab: Any, program: Any, what: str) -> None:
    old, new = ("class C:\n    " + text.replace("\n", "\n    ") + "\n" for text in PAIRS[what])
    m, update = ab(old)
    held, before = m.C.f, content(m.C.f)
    report = update(new)
    [fresh] = program.load(fresh=new)
    assert m.C.f is held
    assert content(held) == content(fresh.C.f)
    report.rollback()
    assert m.C.f is held
    assert content(held) == before


def test_signature_getsource_and_call_agree_after_an_update(ab: Any) -> None:
    m, update = ab("def f(a, b=1): return a + b\n")
    held = m.f
    update("def f(a, b=1, *, c=2):\n    return a + b + c\n")
    assert str(inspect.signature(held)) == "(a, b=1, *, c=2)"
    assert inspect.getsource(held) == "def f(a, b=1, *, c=2):\n    return a + b + c\n"
    assert held(1) == 4


def test_attributes_that_the_program_set_stay_and_new_ones_appear(ab: Any) -> None:
    m, update = ab("def f(): return 1\nf.limit = 1\n")
    m.f.mine = ["program"]
    report = update("def f(): return 2\nf.limit = 1\nf.extra = 'new'\n")
    assert vars(m.f) == {"limit": 1, "mine": ["program"], "extra": "new"}
    report.rollback()
    assert vars(m.f) == {"limit": 1, "mine": ["program"]}


def test_attributes_that_a_decorator_gives_appear(ab: Any) -> None:
    a = "def mark(**kw):\n    def deco(f):\n        vars(f).update(kw)\n        return f\n    return deco\n"
    m, update = ab(a + "@mark(a=1)\ndef f(): return 1\n")
    held = m.f
    held.mine = 1
    update(a + "@mark(a=1, b=2)\ndef f(): return 1\n")
    assert m.f is held
    assert vars(held) == {"a": 1, "b": 2, "mine": 1}


def test_a_lambda_bound_to_a_name_is_the_function_of_that_name(ab: Any) -> None:
    m, update = ab("f = lambda x: ('old', x)\ntable = {'f': f}\n")
    held = m.f
    report = update("f = lambda x: ('new', x)\ntable = {'f': f}\n", policy="keep")
    assert m.f is held
    assert held(1) == m.table["f"](1) == ("new", 1)
    report.rollback()
    assert held(1) == ("old", 1)


def test_a_lambda_that_becomes_a_def_and_back_is_the_same_function(ab: Any) -> None:
    m, update = ab("f = lambda: 'old'\n")
    held = m.f
    update("def f(): return 'def'\n")
    assert m.f is held
    assert (held(), held.__name__) == ("def", "f")
    update("f = lambda: 'lambda'\n")
    assert m.f is held
    assert (held(), held.__name__) == ("lambda", "<lambda>")


def test_lambdas_in_one_class_body_are_the_methods_of_their_names(ab: Any) -> None:
    m, update = ab("class C:\n    a = lambda self: 'a'\n    b = lambda self: 'b'\n")
    a, b, it = m.C.a, m.C.b, m.C()
    update("class C:\n    a = lambda self: 'a2'\n    b = lambda self: 'b2'\n")
    assert (a(it), b(it), it.a(), it.b()) == ("a2", "b2", "a2", "b2")
    assert (m.C.a, m.C.b) == (a, b)


@pytest.mark.parametrize("kind", ["def", "class"])
def test_inspect_finds_the_new_source_after_several_edits(ab: Any, kind: str) -> None:
    texts = {"def": "def f():\n    return {}\n", "class": "class f:\n    def m(self):\n        return {}\n"}
    m, update = ab(texts[kind].format(0))
    held = m.f
    for number in range(1, 4):
        update("# moved\n" * number + texts[kind].format(number))
        assert inspect.getsource(held) == texts[kind].format(number)


def test_a_private_name_in_an_edited_method_is_mangled(ab: Any) -> None:
    a = "class C:\n    def __init__(self): self.__x = 1\n    def get(self):\n        return self.__x\n"
    m, update = ab(a)
    it = m.C()
    report = update(
        a.replace("return self.__x", "self.__y = 2\n        return self.__x + self.__y + self.__add()")
        + "    def __add(self): return 10\n"
    )
    assert it.get() == 13
    assert vars(it) == {"_C__x": 1, "_C__y": 2}
    report.rollback()
    assert it.get() == 1


def test_dunder_class_is_supplied_to_a_method_that_newly_uses_super(ab: Any) -> None:
    a = "class A:\n    def m(self): return 'A'\nclass B(A):\n    def m(self): return 'B'\n"
    m, update = ab(a)
    it, held = m.B(), m.B.m
    report = update(a.replace("return 'B'", "return super().m() + __class__.__name__"))
    assert it.m() == held(it) == "AB"
    assert m.B.m is held
    report.rollback()
    assert it.m() == "B"


def test_a_method_that_no_longer_uses_super_works(ab: Any) -> None:
    a = "class A:\n    def m(self): return 'A'\nclass B(A):\n    def m(self): return super().m() + 'B'\n"
    m, update = ab(a)
    it, held = m.B(), m.B.m
    report = update(a.replace("super().m() + 'B'", "'plain'"))
    assert it.m() == held(it) == "plain"
    report.rollback()
    assert it.m() == held(it) == "AB"


ATEXIT = """
import atexit, importlib, pathlib, sys
import rebottle
sys.path.insert(0, {folder!r})
sys.dont_write_bytecode = True
import bye
atexit.register(bye.f)
pathlib.Path(bye.__file__).write_text("def f(): print('new')\\n")
rebottle.reload(["bye"])
"""


def test_a_function_registered_with_atexit_runs_the_new_code(tmp_path: Any) -> None:
    (tmp_path / "bye.py").write_text("def f(): print('old')\n")
    done = subprocess.run(
        [sys.executable, "-c", ATEXIT.format(folder=str(tmp_path))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "new\n", done.stderr
