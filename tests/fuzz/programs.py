"""Small programs put together at random from what Python has."""

from __future__ import annotations

import random

HEAD = '''"""A program."""
import abc
import dataclasses
import enum
import functools
import typing
from collections import namedtuple

T = typing.TypeVar("T")
LIMIT = 3

def plain(function): return function

def traced(function):
    @functools.wraps(function)
    def inner(*values, **named): return function(*values, **named)
    return inner

def tagged(word):
    def decorate(thing):
        thing.tag = word
        return thing
    return decorate

class Meta(type):
    def __new__(meta, name, bases, names, **more): return super().__new__(meta, name, bases, names)
    def hello(cls): return cls.__name__
'''

STATEMENTS = [
    """
def {f}(a, b={n}, *rest, c: int = {m}, **more) -> str:
    "Adds."
    total = a + b
    return [total for _ in rest]
""",
    """
def {f}(start={n}):
    count = start
    def step(by=1):
        nonlocal count
        count += by
        return count, start
    class Local:
        x = {m}
        def method(self): return start
    return step, Local
{f}_made = {f}()
""",
    """
@traced
def {f}(x): return x * {n}
""",
    """
@functools.lru_cache(maxsize={m})
def {f}(x, y={n}): return x + y
""",
    """
def {f}(items):
    for item in items:
        got = yield item, {n}
        if got: return got
async def {f}_later(x):
    async for y in x: yield y
    try:
        await x
    finally: pass
""",
    """
{f} = lambda x, y={n}: (x, y, LIMIT)
""",
    """
class {c}:
    "A class."
    x = {n}
    y: int = {m}
    def __init__(self, a={n}): self.a, self.b = a, self.x
    @property
    def p(self): return self.a
    @p.setter
    def p(self, value): self.a = value
    @classmethod
    def make(cls, *a): return cls(*a)
    @staticmethod
    def help(q={m}): return q
    def __repr__(self): return f"{c}({{self.a}})"
    class Inner:
        def deep(self): return __class__
""",
    """
class {c}(Base):
    __slots__ = ("s", "t")
    def __init__(self): self.s = {n}; super().__init__()
    def over(self, *a): return super().over(*a), __class__
""",
    """
@dataclasses.dataclass({o})
class {c}:
    a: int
    b: list = dataclasses.field(default_factory=list)
    c: str = "{n}"
    def method(self): return self.a
""",
    """
class {c}(enum.{e}):
    ONE = 1
    TWO = {n} + 7
    @property
    def double(self): return self.value * 2
""",
    """
class {c}(typing.NamedTuple):
    a: int
    b: str = "{n}"
    def both(self): return self.a, self.b
""",
    """
class {c}(namedtuple("{c}", "u v")):
    __slots__ = ()
    def __new__(cls, u, v={n}): return super().__new__(cls, u, v)
""",
    """
class {c}(abc.ABC):
    @abc.abstractmethod
    def must(self): ...
    def may(self): return {n}
class {c}Sub({c}):
    def must(self): return super().may()
""",
    """
class {c}[K, *V](Base):
    def get(self, k: K) -> K: return k
type {c}Alias[Q] = list[Q] | {c}
""",
    """
class {c}(typing.Generic[T]):
    items: list[T]
    def add(self, item: T) -> T: return item
""",
    """
class {c}(Base, metaclass=Meta):
    z = {n}
    def over(self): return super().over()
""",
    """
@tagged("{n}")
class {c}(Base):
    def over(self): return {m}
""",
    """
class {c}(Exception):
    def __init__(self, code={n}): super().__init__(code); self.code = code
""",
    """
class {c}:
    def __set_name__(self, owner, name): self.name = name
    def __get__(self, instance, owner=None): return {n}
class {c}User:
    field = {c}()
    partial = functools.partialmethod(lambda self, x: x, {m})
    @functools.cached_property
    def slow(self): return {n}
    @functools.singledispatchmethod
    def kind(self, x): return "any"
    @kind.register
    def _(self, x: int): return "int"
""",
    """
@functools.singledispatch
def {f}(x): return "any"
@{f}.register
def _(x: int): return {n}
@{f}.register(str)
def {f}_of_str(x): return "str"
""",
    """
if LIMIT > {m}:
    def {f}(x): return x
    class {c}: w = {n}
else:
    def {f}(x, y=1): return y
    class {c}: v = {n}
""",
    """
try:
    import nowhere_{f}
except ImportError:
    def {f}(): return {n}
""",
    """
{d} = {{"a": {n}, "b": [1, {m}], "c": {{"d": ({n},)}}}}
""",
    """
{d} = {n}
{d}_more = [{m}, "{n}"]
""",
    """
for _i in range({m}):
    def {f}(x, _i=_i): return x, _i
""",
    """
with open(__file__):
    class {c}(Base):
        def over(self): return super().over() + {n}
""",
]

BASE = """
class Base:
    def __init__(self, *values): super().__init__(*values)
    def over(self, *a): return a
"""


def program(chance: random.Random) -> str:
    """A program that can be started."""
    parts = [HEAD, BASE]
    for number in range(chance.randint(4, 9)):
        words = {"f": f"f{number}", "c": f"C{number}", "d": f"D{number}", "n": chance.randint(0, 9)}
        words |= {"m": chance.randint(1, 4), "o": chance.choice(["", "frozen=True", "slots=True", "order=True"])}
        words["e"] = chance.choice(["Enum", "IntEnum", "Flag", "IntFlag"])
        parts.append(chance.choice(STATEMENTS).format(**words))
    return "".join(parts)
