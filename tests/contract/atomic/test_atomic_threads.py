"""Section 6.3: no thread ever sees a missing name, a half-updated class, or a mix of two versions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rebottle
from tests.contract.api.scenario import AB, Program

UPDATES = 60


def quietly(call: Callable[[], Any]) -> Callable[[], None]:
    """``call``, its result dropped."""

    def run() -> None:
        call()

    return run


@contextmanager
def hammering(*calls: Callable[[], Any]) -> Iterator[tuple[set[Any], list[BaseException]]]:
    """Call these functions over and over in threads; what they returned and raised."""
    stop, seen, raised = threading.Event(), set(), []

    def run(call: Callable[[], Any]) -> None:
        try:
            while not stop.is_set():
                seen.add(call())
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls * 2]
    for thread in threads:
        thread.start()
    try:
        yield seen, raised
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_code_and_defaults_change_together(ab: AB) -> None:
    text = "def f(a={0}, *, b={0}): return (a, b, {0})\n"
    m, update = ab(text.format(0))
    with hammering(m.f, lambda: m.f()) as (seen, raised):
        for n in range(1, UPDATES):
            update(text.format(n), undo=False)
    assert raised == []
    assert seen <= {(n, n, n) for n in range(UPDATES)}


def test_caller_and_callee_changed_together_are_of_one_version(ab: AB) -> None:
    one = "def callee(x): return ('a', x)\ndef caller(): return callee(1) + ('a',)\n"
    two = "def callee(x, y): return ('b', x)\ndef caller(): return callee(1, 2) + ('b',)\n"
    m, update = ab("def enter(): return caller\n" + one)
    with hammering(quietly(lambda: m.enter()())) as (seen, raised):
        for n in range(UPDATES):
            update("def enter(): return caller\n" + (two, one)[n % 2], undo=False)
            seen.add(m.caller())
    assert raised == []
    assert seen == {None, ("a", 1, "a"), ("b", 1, "b")}


def test_no_name_is_ever_missing(program: Program) -> None:
    use = "def use(): f(), lib.f(), lib.X, lib.C(), C(), X\n"
    lib, app = program.load(
        lib="X = 0\ndef f(): return 0\nclass C: pass\n",
        app="import @lib@ as lib\nfrom @lib@ import f, C, X\n" + use,
    )
    with hammering(app.use, quietly(lambda: (lib.f, lib.X, lib.C))) as (_, raised):
        for n in range(1, UPDATES):
            program.update({"lib": f"X = {n}\ndef f(): return {n}\nclass C: pass\n"}, policy="replace", undo=False)
    assert raised == []


def test_no_half_updated_class_is_seen(ab: AB) -> None:
    text = """
        class C:
            x = y = {0}
            def one(self, a={0}): return a
            def both(self): return (self.x, self.y)
        """
    m, update = ab(text.format(0))
    living = m.C()
    with hammering(living.both, living.one, lambda: vars(m.C)["both"](living)) as (seen, raised):
        for n in range(1, UPDATES):
            update(text.format(n), policy="replace", undo=False)
    assert raised == []
    for value in seen:
        assert value in range(UPDATES) if isinstance(value, int) else value[0] in range(UPDATES)


def test_changing_bases_while_threads_call(ab: AB) -> None:
    head = "class A:\n    def who(self): return 'a'\nclass B:\n    def who(self): return 'b'\n"
    m, update = ab(head + "class C(A): pass\n")
    living = m.C()
    with hammering(lambda: living.who(), lambda: m.C().who()) as (seen, raised):
        for n in range(UPDATES // 2):
            update(head + f"class C({'BA'[n % 2]}): pass\n", undo=False)
    assert raised == []
    assert seen <= {"a", "b"}


def test_new_attributes_are_there_when_the_code_that_reads_them_is(ab: AB) -> None:
    m, update = ab("class C:\n    def __init__(self): self.a = 1\n    def read(self): return self.a\n")
    living = [m.C() for _ in range(50)]
    body = "".join(f"        self.a{n} = {n}\n" for n in range(40))
    with hammering(quietly(lambda: [each.read() for each in living])) as (_, raised):
        for n in range(40):
            head = "class C:\n    def __init__(self):\n        self.a = 1\n"
            given = "".join(body.splitlines(keepends=True)[: n + 1])
            update(f"{head}{given}    def read(self): return self.a{n}\n", undo=False)
    assert raised == []


def test_updates_from_several_threads_are_one_after_another(program: Program) -> None:
    modules = program.load(one="def f(): return 0\n", two="def f(): return 0\n", three="def f(): return 0\n")
    raised: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for n in range(1, 15):
                rebottle.reload([name], sources={name: f"def f(): return {n}\n"})
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=work, args=(module.__name__,)) for module in modules]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    assert [module.f() for module in modules] == [14, 14, 14]


def test_updates_and_rollbacks_under_load(ab: AB) -> None:
    text = "def f(a={0}): return (a, {0})\n"
    m, update = ab(text.format(0))
    with hammering(m.f) as (seen, raised):
        for n in range(1, UPDATES // 2):
            report = update(text.format(n), undo=False)
            if n % 3 == 0:
                report.rollback()
    assert raised == []
    assert all(a == b for a, b in seen)


def test_generators_and_closures_under_load(ab: AB) -> None:
    text = """
        def make(n):
            def inner(): return (n, {0})
            return inner
        def gen():
            for _ in range(3): yield {0}
        """
    m, update = ab(text.format(0))
    held = m.make("n")
    with hammering(held, lambda: m.make("n")(), lambda: tuple(m.gen())) as (seen, raised):
        for n in range(1, UPDATES):
            update(text.format(n), undo=False)
    assert raised == []
    assert held() == ("n", UPDATES - 1)
    assert seen
