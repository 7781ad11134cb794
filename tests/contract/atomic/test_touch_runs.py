"""Section 6.1: what statements do to containers again and again is taken back, whatever the mixture and the size."""

from __future__ import annotations

import random
import threading
import time
from collections import deque

import pytest

import rebottle
from tests.contract.api.scenario import AB

LIST = ["append(n)", "extend([n, n + 1])", "insert(0, n)", "pop()", "pop(0)", "reverse()", "sort()", "remove(L[0])"]
OPERATIONS = {
    "L": [f"L.{each}" for each in LIST] + ["L += [n]", "L[0] = n", "del L[-1]", "L[1:2] = [n, n]", "L[:] = L[1:]"],
    "Q": ["Q.append(n)", "Q.appendleft(n)", "Q.popleft()", "Q.pop()", "Q.extend((n, n))", "Q.rotate(1)", "Q[0] = n"],
    "S": ["S.add(n)", "S.discard(n - 3)", "S.pop()", "S.update({n, -n})", "S |= {n}", "S -= {n - 1}"],
    "D": [
        "D[n] = n",
        "D.setdefault(n, [])",
        "D.pop(n - 1, None)",
        "D.update({n: 1})",
        "del D[next(iter(D))]",
        "D |= {n: 2}",
    ],
}
START = {"L": "list(range({0}))", "Q": "deque(range({0}))", "S": "set(range({0}))", "D": "dict.fromkeys(range({0}))"}


def content(m: object) -> list[object]:
    named = vars(m)
    return [list(named["L"]), deque(named["Q"]), set(named["S"]), list(named["D"].items())]


@pytest.mark.parametrize(("size", "rounds"), [(30, 1), (530, 40), (3_000, 40)])
@pytest.mark.parametrize("seed", range(4))
def test_any_mixture_is_taken_back(ab: AB, size: int, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    start = "from collections import deque\n" + "".join(f"{n} = {START[n].format(size)}\n" for n in START)
    m, update = ab(start)
    before = content(m)
    steps = [chance.choice(OPERATIONS[chance.choice("LLQSD")]) for _ in range(12)]
    loop = f"for n in range(5000, {5000 + rounds}):\n" + "".join(f"    {step}\n" for step in steps)
    with pytest.raises(rebottle.UpdateError):
        update(start + loop + "raise ValueError\n")
    assert content(m) == before
    report = update(start + loop)
    assert content(m) != before
    report.rollback()
    after = content(m)
    assert [sorted(map(str, each)) for each in after] == [sorted(map(str, each)) for each in before]  # type: ignore[call-overload]


def test_what_others_append_meanwhile_stays(ab: AB) -> None:
    m, update = ab("L = []\n")
    begun, over = threading.Event(), threading.Event()
    appended = 0

    def work() -> None:
        nonlocal appended
        while not over.is_set():
            m.L.append("theirs")
            appended += 1
            begun.set()
            time.sleep(0)

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    with pytest.raises(rebottle.UpdateError):
        update("L = []\nfor n in range(30_000): L.append(n)\nraise ValueError\n")
    over.set()
    thread.join()
    assert ["theirs"] * appended == m.L


def test_hundreds_of_thousands_of_operations_cost_what_each_does(ab: AB) -> None:
    m, update = ab("L = []\nS = set()\nD = {}\n")
    loop = "for n in range(200_000):\n    L.append(n)\n    S.add(n)\n    D.setdefault(n, n)\n"
    report = update("L = []\nS = set()\nD = {}\n" + loop)
    assert len(m.L) == len(m.S) == len(m.D) == 200_000
    report.rollback()
    assert not m.L
    assert not m.S
    assert not m.D
