"""Contract 2.1 to 2.3: unchanged statements, moved ones and changed function bodies run nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

A = """
    log = []
    def note(x):
        log.append(x)
        return x

    note("first")
    VALUE = note("value")

    def deco(func):
        note("deco " + func.__name__)
        return func

    @deco
    def f(x=note("default"), y: note("annotation") = 1):
        return ("old", x)

    class C:
        note("class body")
        attr = note("class attribute")

        def m(self, x=note("method default")):
            return "old"

    note("last")
"""
RAN = ["first", "value", "default", "annotation", "deco f", "class body", "class attribute", "method default", "last"]


def test_a_body_edit_runs_no_statement_decorator_default_or_annotation(ab: Any) -> None:
    m, update = ab(A)
    assert m.log == RAN
    held, method = m.f, m.C().m
    report = update(A.replace('return ("old", x)', 'return ("new", x)').replace('return "old"', 'return "new"'))
    assert (held(), method()) == (("new", "default"), "new")
    assert m.log == RAN
    report.rollback()
    assert (held(), method()) == (("old", "default"), "old")
    assert m.log == RAN


EDITS = {
    "a comment": lambda a: a.replace('note("first")', '# why\n    note("first")  # because'),
    "blank lines": lambda a: a.replace("\n    note(", "\n\n\n\n    note("),
    "spaces": lambda a: a.replace('note("last")', 'note( "last" )').replace(
        'VALUE = note("value")', 'VALUE=note("value")'
    ),
    "parentheses and line breaks": lambda a: a.replace(
        'VALUE = note("value")', 'VALUE = (\n        note("value")\n    )'
    ),
    "quotes": lambda a: a.replace('"first"', "'first'"),
    "the order of statements": lambda a: a.replace('    note("last")\n', "").replace(
        '    VALUE = note("value")\n', '    note("last")\n    VALUE = note("value")\n'
    ),
    "the order in a class": lambda a: a.replace('        note("class body")\n', "").replace(
        'attr = note("class attribute")\n', 'attr = note("class attribute")\n        note("class body")\n'
    ),
    "a trailing newline": lambda a: a + "\n\n    # the end\n",
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_change_of_comments_blank_lines_layout_or_position_runs_nothing(ab: Any, edit: str) -> None:
    m, update = ab(A)
    objects = m.f, m.C, m.C.m, m.VALUE, m.log
    text = EDITS[edit](A)
    assert text != A
    update(text)
    assert m.log == RAN
    assert all(new is old for new, old in zip((m.f, m.C, m.C.m, m.VALUE, m.log), objects, strict=True))


def test_one_more_equal_copy_of_a_statement_is_a_new_one(ab: Any) -> None:
    m, update = ab("log = []\nlog.append(1)\n")
    update("log = []\nlog.append(1)\nlog.append(1)\n")
    assert m.log == [1, 1]
    update("log = []\nlog.append(1)\nlog.append(1)\nlog.append(1)\n")
    assert m.log == [1, 1, 1]


def test_one_equal_copy_less_runs_nothing(ab: Any) -> None:
    m, update = ab("log = []\nlog.append(1)\nlog.append(1)\n")
    update("log = []\nlog.append(1)\n")
    assert m.log == [1, 1]


def test_a_new_statement_in_a_class_body_is_run_and_the_others_are_not(ab: Any) -> None:
    m, update = ab("log = []\nclass C:\n    log.append('one')\n    x = 1\n")
    held = m.C
    update("log = []\nclass C:\n    log.append('one')\n    log.append('two')\n    x = 1\n")
    assert m.log == ["one", "two"]
    assert m.C is held


def test_no_second_registration_thread_or_handler(ab: Any) -> None:
    a = """
        import atexit, logging, threading
        started, exits = [], []
        logger = logging.getLogger(__name__)
        logger.addHandler(logging.NullHandler())
        thread = threading.Thread(target=started.append, args=(1,))
        thread.start()
        thread.join()
        registry = {}
        def register(name):
            def deco(func):
                registry.setdefault(name, []).append(func)
                return func
            return deco
        @register("f")
        def f(): return 1
    """
    m, update = ab(a)
    thread, logger = m.thread, m.logger
    update(a.replace("return 1", "return 2"))
    assert m.started == [1]
    assert len(logger.handlers) == 1
    assert m.thread is thread
    assert m.registry == {"f": [m.f]}
    assert m.registry["f"][0]() == 2


@pytest.mark.parametrize("block", ["log.append('main 2')", "log.append('main')\n    log.append('more')"])
def test_a_changed_main_block_is_not_run_not_even_its_else(ab: Any, block: str) -> None:
    a = "log = []\nif __name__ == '__main__':\n    log.append('main')\nelse:\n    log.append('else')\n"
    m, update = ab(a)
    update(a.replace("log.append('main')", block).replace("'else'", "'else 2'"))
    assert m.log == ["else"]


def test_a_new_main_block_is_not_run(ab: Any) -> None:
    m, update = ab("log = []\n")
    update("log = []\nif __name__ == '__main__':\n    log.append('main')\nelse:\n    log.append('else')\n")
    assert m.log == []


SCRIPT = """
import pathlib
import rebottle
def f(): return "old f"
if __name__ == "__main__":
    print("main")
    held = f
    text = pathlib.Path(__file__).read_text()
    pathlib.Path(__file__).write_text(text.replace("old f", "new f", 1){more})
    rebottle.reload(["__main__"])
    print(held())
"""


@pytest.mark.parametrize("more", ["", ".replace('print', 'print(0);print')"])
def test_the_main_block_of_a_running_script_is_not_run_again(tmp_path: Any, more: str) -> None:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.format(more=more))
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == ["main", "new f"], done.stderr


def test_changed_annotations_follow_and_unchanged_defaults_are_not_evaluated(ab: Any) -> None:
    a = "log = []\ndef note(x): log.append(x); return x\ndef f(x: int = note(1)) -> str: return x\n"
    m, update = ab(a)
    held = m.f
    report = update(a.replace("x: int", "x: float").replace("-> str", "-> note(bytes)"))
    assert held.__annotations__ == {"x": float, "return": bytes}
    assert held() == 1
    assert m.log == [1, bytes]
    report.rollback()
    assert held.__annotations__ == {"x": int, "return": str}


def test_a_changed_docstring_follows_and_runs_nothing(ab: Any) -> None:
    a = "log = []\ndef note(x): log.append(x); return x\ndef f(x: note(int) = note(1)):\n    'old'\n    return x\n"
    m, update = ab(a)
    held = m.f
    report = update(a.replace("'old'", "'new'"))
    assert held.__doc__ == "new"
    assert m.log == [int, 1] or m.log == [1, int]
    report.rollback()
    assert held.__doc__ == "old"


def test_changed_annotations_of_a_decorated_function_run_its_decorators_again_but_not_its_defaults(ab: Any) -> None:
    a = """
        log = []
        def note(x): log.append(x); return x
        def deco(func): note("deco"); return func
        @deco
        def f(x: int = note("default")): return x
    """
    m, update = ab(a)
    held = m.f
    update(a.replace("x: int", "x: float"))
    assert m.f is held
    assert held.__annotations__ == {"x": float}
    assert sorted(m.log) == ["deco", "deco", "default"]


def test_a_changed_docstring_of_the_module_follows_and_runs_nothing(ab: Any) -> None:
    m, update = ab("'old'\nlog = []\nlog.append(1)\n")
    report = update("'new'\nlog = []\nlog.append(1)\n")
    assert m.__doc__ == "new"
    assert m.log == [1]
    report.rollback()
    assert m.__doc__ == "old"
