"""Requests that hold never see two versions, whoever else updates; updates come through however often requests hold."""

from __future__ import annotations

import threading
import time

import pytest

import rebottle
from tests.conftest import World

THREADS = 8

pytestmark = pytest.mark.usefixtures("quick_switches")


def version(number: int, others: bool) -> str:
    return f"""
        VERSION = {number}
        TABLE = {{"version": {number}}}
        def first(extra={number}): return {number}, extra
        {"def added(): return 1" if others else ""}
        class Service:
            number = {number}
            def last(self): return {number}
        service = Service()
    """


class Requests:
    """Threads that ask a module for its version in five ways while they hold."""

    def __init__(self, module: object, each: int) -> None:
        self.module = module
        self.each = each
        self.torn: list[object] = []
        self.done = 0
        self.threads = [threading.Thread(target=self.run) for _ in range(THREADS)]

    def run(self) -> None:
        m = self.module
        service = m.service  # type: ignore[attr-defined]
        try:
            for _ in range(self.each):
                with rebottle.hold():
                    seen = {m.VERSION, m.TABLE["version"], *m.first(), service.last(), service.number}  # type: ignore[attr-defined]
                if len(seen) != 1:
                    self.torn.append(seen)
                self.done += 1
        except BaseException as error:
            self.torn.append(error)
            raise

    @property
    def running(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)


def serve(world: World, requests_wanted: int, commits: int) -> float:
    """So many requests beside at least so many commits; the longest wait of an update for its turn, in seconds."""
    name = world.name("m")
    requests = Requests(world.load(name, version(0, False)), requests_wanted // THREADS)
    for thread in requests.threads:
        thread.start()
    longest, number = 0.0, 0
    while requests.running or number < commits:
        number += 1
        start = time.perf_counter()
        report = rebottle.reload([name], sources={name: world.text(version(number, number % 2 == 1))}, policy="replace")
        longest = max(longest, time.perf_counter() - start - report.timing.total)
        if number % 10 == 0:
            report.rollback()
    for thread in requests.threads:
        thread.join()
    assert not requests.torn
    assert requests.done == requests_wanted // THREADS * THREADS
    print(f"{requests.done} requests, {number} commits, the longest wait {longest * 1e3:.1f} ms")
    return longest


def test_requests_that_hold_are_never_torn(world: World) -> None:
    serve(world, requests_wanted=20_000, commits=50)


def test_updates_from_several_threads_neither_deadlock_nor_mix(world: World) -> None:
    name = world.name("m")
    module = world.load(name, version(0, False))
    errors: list[BaseException] = []

    def reloads(start: int) -> None:
        for number in range(start, start + 15):
            rebottle.reload([name], sources={name: world.text(version(number, False))}, policy="replace")

    def hotfixes(start: int) -> None:
        for number in range(start, start + 15):
            rebottle.hotfix(f"import {name} as m\ndef first(extra={number}): return {number}, extra\nm.first = first\n")

    def rollbacks(start: int) -> None:
        for _ in range(15):
            try:
                rebottle.rollback()
            except rebottle.RefusedError:
                assert start

    def plans(start: int) -> None:
        for number in range(start, start + 15):
            rebottle.plan([name], sources={name: world.text(version(number, True))})

    def guarded(work: object, start: int) -> None:
        try:
            work(start)  # type: ignore[operator]
        except BaseException as error:
            errors.append(error)

    works = [reloads, hotfixes, rollbacks, plans, reloads, hotfixes]
    threads = [
        threading.Thread(target=guarded, args=(work, 100 * (i + 1)), daemon=True) for i, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert not errors
    rebottle.reload([name], sources={name: world.text(version(7, False))}, policy="replace")
    assert {module.VERSION, *module.first(), module.service.last(), module.service.number} == {7}
