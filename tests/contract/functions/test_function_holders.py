"""Contract 3: a changed function holds for every holder."""

from __future__ import annotations

from typing import Any

import pytest

LIB = """
    import functools, contextlib, typing
    __all__ = ["f", "C", "show", "cached", "ctx", "fm", "old_style"]
    def f(x=1): return "old"
    class C:
        def m(self): return "old"
        @property
        def p(self): return "old"
        @classmethod
        def cm(cls): return "old"
        @staticmethod
        def sm(): return "old"
        @functools.cached_property
        def cp(self): return "old"
        def base(self, tag): return tag + "old"
        part = functools.partialmethod(base, "")
        @functools.singledispatchmethod
        def sdm(self, x): return "old"
        def __call__(self): return "old"
        def __getitem__(self, key): return "old"
        def __iter__(self): yield "old"
    @functools.singledispatch
    def show(x): return "old"
    @show.register
    def _(x: int): return "old"
    @functools.lru_cache
    def cached(): return "old"
    @contextlib.contextmanager
    def ctx(): yield "old"
    def fm(x): return f(x)
    old_style = staticmethod(f)
"""

HOLDERS = {
    "from import": "def call(): return f()",
    "an alias": "g = f\ndef call(): return g()",
    "a re-export chain": "import @third@\ndef call(): return @third@.again()",
    "a list": "held = [f]\ndef call(): return held[0]()",
    "a tuple": "held = (f,)\ndef call(): return held[0]()",
    "a set": "held = {f}\ndef call(): return next(iter(held))()",
    "a frozenset": "held = frozenset([f])\ndef call(): return next(iter(held))()",
    "a dict's value": "held = {1: f}\ndef call(): return held[1]()",
    "a dict's key": "held = {f: 1}\ndef call(): return next(iter(held))() if held[f] else None",
    "a deque": "import collections\nheld = collections.deque([f])\ndef call(): return held[0]()",
    "nested containers": "held = [{'a': ({'b': [f]},)}]\ndef call(): return held[0]['a'][0]['b'][0]()",
    "an instance's attribute": "import types\nheld = types.SimpleNamespace(f=f)\ndef call(): return held.f()",
    "a class attribute": "class Held: fn = staticmethod(f)\ndef call(): return Held.fn()",
    "a method borrowed by another class": "class Held: m = C.m\ndef call(): return Held().m()",
    "a default": "def call(fn=f): return fn()",
    "a closure": "def make(fn):\n    def inner(): return fn()\n    return inner\ncall = make(f)",
    "a lambda": "call = lambda: f()",
    "a partial": "import functools\ncall = functools.partial(f, 1)",
    "a partial of a partial": "import functools\ncall = functools.partial(functools.partial(f), 1)",
    "a bound method": "call = C().m",
    "an unbound method": "m = C.m\ndef call(): return m(C())",
    "a bound classmethod": "call = C.cm",
    "a staticmethod taken out": "call = C.sm",
    "a property object": "held = vars(C)['p']\ndef call(): return held.__get__(C())",
    "a property's getter": "held = vars(C)['p'].fget\ndef call(): return held(C())",
    "a classmethod object": "held = vars(C)['cm']\ndef call(): return held.__func__(C)",
    "a staticmethod object": "held = vars(C)['sm']\ndef call(): return held.__func__()",
    "a cached_property object": "held = vars(C)['cp']\ndef call(): return held.func(C())",
    "a cached_property": "def call(): return C().cp",
    "a partialmethod": "call = C().part",
    "a singledispatchmethod": "call = functools.partial(C().sdm, 'x')",
    "a callable instance": "call = C()",
    "an operator": "it = C()\ndef call(): return it['key']",
    "an iterator": "it = C()\ndef call(): return next(iter(it))",
    "a subclass": "class D(C): pass\ncall = D().m",
    "super in a subclass": "class D(C):\n    def m(self): return super().m()\ncall = D().m",
    "a singledispatch registry": "def call(): return show.registry[int](1)",
    "a singledispatch function": "def call(): return show(1)",
    "the default of a singledispatch function": "def call(): return show('x')",
    "singledispatch's dispatch": "call = functools.partial(show.dispatch(int), 1)",
    "lru_cache": "def call(): return cached()",
    "lru_cache's __wrapped__": "call = cached.__wrapped__",
    "contextmanager": "def call():\n    with ctx() as value: return value",
    "a function that calls it": "call = functools.partial(fm, 1)",
    "a staticmethod object of the module": "call = old_style",
    "a dispatch table": "table = {'a': f, 'b': C.sm}\ndef call(): return table['a']() if table['b']() else None",
    "methodcaller": "import operator\nit, caller = C(), operator.methodcaller('m')\ndef call(): return caller(it)",
    "a key function": "def call(): return max([1], key=f) and f()",
    "MethodType": "import types\ncall = types.MethodType(f, 1)",
    "a weak reference": "import weakref\nheld = weakref.ref(f)\ndef call(): return held()()",
    "a weak method": "import weakref\nit = C()\nheld = weakref.WeakMethod(it.m)\ndef call(): return held()()",
    "a wrapper": "@functools.wraps(f)\ndef wrapper(): return f()\ndef call(): return wrapper()",
    "__wrapped__": "@functools.wraps(f)\ndef wrapper(): pass\ncall = wrapper.__wrapped__",
    "a generator in flight": "def forever():\n    while True: yield f()\n"
    "source = forever()\ndef call(): return next(source)",
    "a generator's local": "def forever(fn):\n    while True: yield fn()\n"
    "source = forever(f)\ndef call(): return next(source)",
    "map": "import itertools\nsource = map(f, itertools.count())\ndef call(): return next(source)",
    "iter with a sentinel": "source = iter(f, None)\ndef call(): return next(source)",
    "a bound method's __func__": "call = functools.partial(C().m.__func__, C())",
    "functools.reduce": "def call(): return functools.reduce(lambda a, b: f(), [1, 2])",
    "a descriptor's __get__": "call = C.m.__get__(C())",
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("how", ["from @lib@ import *", "from @middle@ import *"])
def test_every_holder_has_the_new_behaviour_and_after_the_rollback_the_old(program: Any, holder: str, how: str) -> None:
    lib, *_ = program.load(
        lib=LIB,
        middle="from @lib@ import *\nfrom @lib@ import __all__\n",
        third="from @middle@ import f as again\n",
    )
    [app] = program.load(app=f"{how}\nimport functools\n{HOLDERS[holder]}\n")
    assert app.call() == "old"
    report = program.update({"lib": LIB.replace('"old"', '"new"')})
    assert app.call() == "new"
    assert app.f is lib.f
    report.rollback()
    assert app.call() == "old"


CALLBACKS = {
    "a Timer": "import threading\nheld = threading.Timer(0, f)\ndef fire():\n    held.start()\n    held.join()",
    "a Thread": "import threading\nheld = threading.Thread(target=f)\ndef fire():\n    held.start()\n    held.join()",
    "sched": "import sched\nheld = sched.scheduler()\nheld.enter(0, 1, f)\ndef fire(): held.run()",
    "weakref.finalize": "import weakref\nclass Thing: pass\nit = Thing()\nheld = weakref.finalize(it, f)\n"
    "def fire():\n    global it\n    del it",
    "a weakref callback": "import weakref\nclass Thing: pass\nit = Thing()\nheld = weakref.ref(it, lambda _: f())\n"
    "def fire():\n    global it\n    del it",
    "a queue": "import queue\nheld = queue.Queue()\nheld.put(f)\ndef fire(): held.get()()",
    "an executor's queue": "import threading, concurrent.futures\ngate = threading.Event()\n"
    "pool = concurrent.futures.ThreadPoolExecutor(1)\nfirst = pool.submit(gate.wait, 20)\nheld = pool.submit(f)\n"
    "def fire():\n    gate.set()\n    held.result(20)\n    pool.shutdown()",
    "a concurrent future's callback": "import concurrent.futures\nheld = concurrent.futures.Future()\n"
    "held.add_done_callback(f)\ndef fire(): held.set_result(1)",
    "asyncio call_soon": "import asyncio\nloop = asyncio.new_event_loop()\nloop.call_soon(f)\n"
    "def fire():\n    loop.run_until_complete(asyncio.sleep(0))\n    loop.close()",
    "asyncio call_later": "import asyncio\nloop = asyncio.new_event_loop()\nloop.call_later(0, f)\n"
    "loop.call_later(0, loop.stop)\ndef fire():\n    loop.run_forever()\n    loop.close()",
    "an asyncio future's callback": "import asyncio\nloop = asyncio.new_event_loop()\nheld = loop.create_future()\n"
    "held.add_done_callback(f)\n"
    "def fire():\n    held.set_result(1)\n    loop.run_until_complete(asyncio.sleep(0))\n    loop.close()",
    "an asyncio task not yet started": "import asyncio\nloop = asyncio.new_event_loop()\nasync def work(): f()\n"
    "held = loop.create_task(work())\ndef fire():\n    loop.run_until_complete(held)\n    loop.close()",
    "a signal handler": "import signal\nbefore = signal.signal(signal.SIGUSR1, f)\n"
    "def fire():\n    signal.raise_signal(signal.SIGUSR1)\n    signal.signal(signal.SIGUSR1, before)",
    "an ExitStack": "import contextlib\nheld = contextlib.ExitStack()\nheld.callback(f)\ndef fire(): held.close()",
    "an object's __del__": "it = T()\ndef fire():\n    global it\n    del it",
}


@pytest.mark.parametrize("holder", CALLBACKS)
def test_a_callback_handed_over_before_the_update_runs_the_new_code_once(program: Any, holder: str) -> None:
    source = "log = []\ndef f(*args): log.append('old')\nclass T:\n    def __del__(self): log.append('old')\n"
    lib, app = program.load(lib=source, app=f"from @lib@ import f, T\n{CALLBACKS[holder]}\n")
    program.update({"lib": source.replace("'old'", "'new'")}, undo=False)
    app.fire()
    assert lib.log == ["new"]


def test_a_dispatch_table_inside_the_same_module_has_the_new_functions(ab: Any) -> None:
    a = "def a(): return 'a'\ndef b(): return 'b'\nTABLE = {'a': a, 'b': b}\ndef run(key): return TABLE[key]()\n"
    m, update = ab(a)
    table = m.TABLE
    report = update(a.replace("return 'a'", "return 'a2'"))
    assert m.TABLE is table
    assert (m.run("a"), m.run("b")) == ("a2", "b")
    report.rollback()
    assert m.run("a") == "a"


def test_a_holder_outside_every_module_has_the_new_behaviour(ab: Any) -> None:
    m, update = ab("def f(): return 'old'\n")
    held = [m.f, {"f": m.f}, (lambda g: lambda: g())(m.f)]
    update("def f(): return 'new'\n")
    assert held[0]() == held[1]["f"]() == held[2]() == "new"


def test_a_member_of_a_set_is_still_found_in_it(ab: Any) -> None:
    m, update = ab("def f(): return 'old'\nclass C:\n    def m(self): return 1\n")
    functions, methods = {m.f}, {m.C.m: 1}
    update("def f(): return 'new'\nclass C:\n    def m(self): return 2\n")
    assert m.f in functions
    assert methods[m.C.m] == 1
