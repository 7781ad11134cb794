"""Contract 1: reload swaps in the new source of the modules named, or of every tracked module whose source changed."""

from __future__ import annotations

from typing import Any

import rebottle

TWO = {"a": "def f(): return 1\n", "b": "def f(): return 1\n"}
TWO_NEW = {"a": "def f(): return 2\n", "b": "def f(): return 2\n"}


def test_only_the_named_modules_are_updated(program: Any) -> None:
    a, b = program.load(**TWO)
    program.write(TWO_NEW)
    report = program.reload([a.__name__])
    assert (a.f(), b.f()) == (2, 1)
    assert list(report.modules) == [a.__name__]


def test_without_names_every_tracked_module_whose_source_changed_is_updated(program: Any) -> None:
    a, b = program.load(**TWO)
    held = a.f, b.f
    program.write(TWO_NEW)
    report = program.reload(None)
    assert [f() for f in held] == [2, 2]
    assert {a.__name__, b.__name__} <= set(report.modules)
    report.rollback()
    assert [f() for f in held] == [1, 1]


def test_without_names_unchanged_modules_are_left_alone(program: Any) -> None:
    a, b = program.load(**TWO)
    b.f.__code__ = (lambda: "patched").__code__
    program.write({"a": TWO_NEW["a"]})
    program.reload(None)
    assert (a.f(), b.f()) == (2, "patched")


def test_a_module_named_but_unchanged_is_left_exactly_as_it_is(ab: Any) -> None:
    m, _ = ab("log = []\nlog.append(1)\nTABLE = {1: 2}\ndef f(): return 1\nclass C: x = []\n")
    m.TABLE[3] = 4
    m.f.note = "mine"
    before = {name: id(value) for name, value in vars(m).items()}
    report = rebottle.reload([m.__name__])
    assert {name: id(value) for name, value in vars(m).items()} == before
    assert (m.log, m.TABLE, m.f.note) == ([1], {1: 2, 3: 4}, "mine")
    assert report.ok
    assert not report.changes


def test_a_file_written_again_with_the_same_text_is_unchanged(ab: Any) -> None:
    text = "log = []\nlog.append(1)\ndef f(): return 1\n"
    m, update = ab(text)
    report = update(text)
    assert m.log == [1]
    assert not report.changes


def test_a_module_named_but_unchanged_beside_a_changed_one_is_left_as_it_is(program: Any) -> None:
    a, b = program.load(a="log = []\nlog.append(1)\n", b=TWO["b"])
    program.write({"b": TWO_NEW["b"]})
    program.reload([a, b])
    assert a.log == [1]
    assert b.f() == 2


def test_whoever_holds_the_module_goes_on_holding_the_same_one(ab: Any) -> None:
    import sys

    m, update = ab("def f(): return 1\n")
    namespace = vars(m)
    update("def f(): return 2\n")
    assert sys.modules[m.__name__] is m
    assert vars(m) is namespace
    assert namespace["f"]() == 2


def test_what_the_program_lived_through_is_kept(ab: Any) -> None:
    a = """
        total = 0
        seen = []
        class Counter:
            def __init__(self): self.n = 0
            def step(self): self.n += 1
        counter = Counter()
        def work():
            global total
            total += 1
            seen.append(total)
            counter.step()
    """
    m, update = ab(a)
    for _ in range(3):
        m.work()
    counter = m.counter
    update(a.replace("self.n += 1", "self.n += 10"))
    assert (m.total, m.seen, counter.n) == (3, [1, 2, 3], 3)
    assert m.counter is counter
    m.counter.step()
    assert counter.n == 13


def test_the_report_says_what_changed_and_where(ab: Any) -> None:
    m, update = ab("def f(): return 1\ndef g(): return 1\nclass C:\n    def h(self): return 1\n")
    report = update("def f(): return 2\ndef g(): return 1\nclass C:\n    def h(self): return 2\n")
    name = m.__name__
    assert report.ok
    assert report.kind == "reload"
    assert list(report.modules) == [name]
    assert {change.where for change in report.changes} == {f"{name}.f", f"{name}.C.h"}
    assert {change.kind for change in report.changes} == {"function-code"}
    assert {change.file for change in report.changes} == {m.__file__}
    assert {change.line for change in report.changes} == {1, 4}


def test_a_rollback_of_a_reload_gives_the_old_behaviour_to_the_same_objects(ab: Any) -> None:
    m, update = ab("def f(): return 1\n")
    held = m.f
    report = update("def f(): return 2\ndef g(): return 3\n")
    assert (held(), m.g()) == (2, 3)
    report.rollback()
    assert m.f is held
    assert held() == 1
    assert not hasattr(m, "g")
