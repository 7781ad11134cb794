"""The load that holds must bear: ten million requests of eight threads beside more than a thousand commits."""

from __future__ import annotations

import timeit

import pytest

import rebottle
from tests.conftest import World
from tests.test_hold_stress import serve


@pytest.mark.timeout(3600)
def test_ten_million_requests_are_never_torn_and_no_update_waits_long(world: World) -> None:
    assert serve(world, requests_wanted=10_000_000, commits=1_000) < 0.1


def test_a_hold_costs_little() -> None:
    hold = rebottle.hold

    def held() -> None:
        with hold():
            pass

    def free() -> None:
        pass

    rounds = 100_000
    cost = min(timeit.repeat(held, number=rounds)) - min(timeit.repeat(free, number=rounds))
    print(f"a hold costs {cost / rounds * 1e9:.0f} ns")
    assert cost / rounds < 200e-9
