"""Section 5: singletons, locks, loggers, context variables, counters and registries stay."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import AB

THINGS = {
    "instance": "Own()",
    "lock": "threading.Lock()",
    "condition": "threading.Condition()",
    "local": "threading.local()",
    "logger": "logging.getLogger('scenario')",
    "context variable": "contextvars.ContextVar('v')",
    "counter": "itertools.count()",
    "queue": "collections.deque()",
    "weak": "weakref.WeakValueDictionary()",
    "object": "object()",
    "type variable": "typing.TypeVar('T')",
    "default dict": "collections.defaultdict(list)",
}
HEAD = """
import collections, contextvars, itertools, logging, threading, typing, weakref
class Own:
    def what(self): return "old"
def f(): return 1
"""


@pytest.mark.parametrize("policy", ["keep", "merge", "replace"])
@pytest.mark.parametrize("maker", THINGS.values(), ids=THINGS)
def test_it_stays_while_its_statement_is_unchanged(ab: AB, maker: str, policy: str) -> None:
    m, update = ab(f"{HEAD}ONE = {maker}\n")
    held = m.ONE
    update(f"{HEAD}ONE = {maker}\n".replace('"old"', '"new"').replace("return 1", "return 2"), policy=policy)
    assert m.ONE is held
    assert (m.Own().what(), m.f()) == ("new", 2)


@pytest.mark.parametrize("policy", ["keep", "merge"])
@pytest.mark.parametrize("maker", THINGS.values(), ids=THINGS)
def test_edited_it_is_kept_under_keep_and_merge(ab: AB, maker: str, policy: str) -> None:
    m, update = ab(f"{HEAD}ONE = {maker}\n")
    held = m.ONE
    report = update(f"{HEAD}ONE = {maker} or None\n", policy=policy)
    assert m.ONE is held
    assert any(kept.where.endswith(".ONE") for kept in report.kept)


@pytest.mark.parametrize("maker", ["Own()", "threading.Lock()", "object()", "itertools.count()"])
def test_edited_it_is_made_anew_under_replace(ab: AB, maker: str) -> None:
    m, update = ab(f"{HEAD}ONE = {maker}\n")
    held = m.ONE
    update(f"{HEAD}ONE = {maker} or None\n", policy="replace")
    assert m.ONE is not held


def test_a_singleton_has_the_new_behaviour(ab: AB) -> None:
    m, update = ab(HEAD + "ONE = Own()\n")
    m.ONE.score = 3
    update(HEAD.replace('"old"', '"new"') + "ONE = Own()\n")
    assert m.ONE.what() == "new"
    assert m.ONE.score == 3


def test_a_held_lock_stays_locked(ab: AB) -> None:
    m, update = ab(HEAD + "LOCK = threading.Lock()\n")
    with m.LOCK:
        update(HEAD.replace("return 1", "return 2") + "LOCK = threading.Lock()\n", undo=False)
        assert m.LOCK.locked()


def test_a_counter_goes_on(ab: AB) -> None:
    m, update = ab(HEAD + "NEXT = itertools.count()\n")
    next(m.NEXT)
    update(HEAD.replace("return 1", "return 2") + "NEXT = itertools.count()\n", undo=False)
    assert next(m.NEXT) == 1


def test_a_registry_filled_by_statements_stays(ab: AB) -> None:
    text = HEAD + "REG = {}\nREG['f'] = f\n"
    m, update = ab(text)
    registry, f = m.REG, m.f
    update(text.replace("return 1", "return 2") + "REG['g'] = Own\n")
    assert m.REG is registry
    assert registry == {"f": f, "g": m.Own}
    assert registry["f"]() == 2


def test_a_registry_filled_by_the_program_stays(ab: AB) -> None:
    m, update = ab(HEAD + "REG = {}\n")
    m.REG["live"] = 1
    update(HEAD.replace("return 1", "return 2") + "REG = {}\n", policy="replace")
    assert m.REG == {"live": 1}


def test_a_logger_gets_no_second_handler(ab: AB) -> None:
    text = HEAD + "LOG = logging.getLogger(__name__)\nLOG.addHandler(logging.NullHandler())\n"
    m, update = ab(text)
    update(text.replace("return 1", "return 2"))
    assert len(m.LOG.handlers) == 1


def test_a_context_variable_keeps_its_value(ab: AB) -> None:
    text = HEAD + "VAR = contextvars.ContextVar('VAR', default=0)\n"
    m, update = ab(text)
    token = m.VAR.set(5)
    update(text.replace("return 1", "return 2"))
    assert m.VAR.get() == 5
    m.VAR.reset(token)


def test_a_new_singleton_is_of_the_class_in_use(ab: AB) -> None:
    m, update = ab(HEAD)
    held = m.Own
    update(HEAD.replace('"old"', '"new"') + "ONE = Own()\n")
    assert type(m.ONE) is held
    assert m.ONE.what() == "new"
