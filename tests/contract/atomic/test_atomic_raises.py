"""Section 6.1: an exception while new statements run leaves everything as it was."""

from __future__ import annotations

import sys
import threading

import pytest

import rebottle
from tests.contract.api.scenario import Program

LIB = """
import collections, types
REG = {'old': {'deep': [1]}}
LIST = [1, [2]]
SET = {1}
DEQUE = collections.deque([1, 2], maxlen=5)
ORDERED = collections.OrderedDict(a=1)
class Thing:
    kind = 'plain'
    def __init__(self): self.items = []
ONE = Thing()
SPACE = types.SimpleNamespace(x=1)
def add(key, value):
    REG[key] = value
def old(): return 1
"""
APP = "import @lib@ as lib\ndef f(): return 'old'\n"
SIDE_EFFECTS = {
    "registry": "lib.REG['new'] = 1",
    "registry by function": "lib.add('new', f)",
    "registry overwritten": "lib.REG['old'] = None",
    "registry item deleted": "del lib.REG['old']",
    "registry cleared": "lib.REG.clear()",
    "registry updated": "lib.REG.update(a=1, b=2)",
    "registry setdefault": "lib.REG.setdefault('new', [])",
    "registry pop": "lib.REG.pop('old')",
    "registry popitem": "lib.REG.popitem()",
    "registry or": "lib.REG |= {'n': 1}",
    "nested list in dict": "lib.REG['old']['deep'].append(2)",
    "nested item": "lib.REG['old']['new'] = 1",
    "attribute of a singleton": "lib.ONE.x = 1",
    "setattr": "setattr(lib.ONE, 'y', 2)",
    "delattr": "del lib.ONE.items",
    "list in a singleton": "lib.ONE.items.append(f)",
    "class attribute": "lib.Thing.kind = 'changed'",
    "new class attribute": "lib.Thing.added = 1",
    "module attribute": "lib.NEW = 1",
    "module attribute replaced": "lib.LIST = None",
    "module attribute deleted": "del lib.old",
    "patched function": "lib.old = lambda: 2",
    "function attribute": "lib.old.tag = 1",
    "namespace": "lib.SPACE.x = 2",
    "list append": "lib.LIST.append(3)",
    "list extend": "lib.LIST += [3, 4]",
    "list insert": "lib.LIST.insert(0, 0)",
    "list item": "lib.LIST[0] = 9",
    "list slice": "lib.LIST[:] = []",
    "list sort": "lib.LIST[1].extend([0]); lib.LIST[1].sort()",
    "list reverse": "lib.LIST.reverse()",
    "list pop": "lib.LIST.pop()",
    "list remove": "lib.LIST.remove(1)",
    "set add": "lib.SET.add(2)",
    "set discard": "lib.SET.discard(1)",
    "set update": "lib.SET.update({3, 4})",
    "set in place": "lib.SET -= {1}",
    "deque append": "lib.DEQUE.append(3)",
    "deque appendleft": "lib.DEQUE.appendleft(0)",
    "deque popleft": "lib.DEQUE.popleft()",
    "deque rotate": "lib.DEQUE.rotate()",
    "ordered move": "lib.ORDERED['b'] = 2; lib.ORDERED.move_to_end('a')",
    "heap": "import heapq; heapq.heappush(lib.LIST[1], 1)",
    "bisect": "import bisect; bisect.insort(lib.LIST[1], 1)",
    "vars": "vars(lib.ONE)['z'] = 1",
    "globals": "globals()['made'] = 1",
    "own table": "import sys; sys.modules[__name__].late = 1",
}


@pytest.mark.parametrize("statement", SIDE_EFFECTS.values(), ids=SIDE_EFFECTS)
def test_what_new_statements_changed_is_undone(program: Program, statement: str) -> None:
    lib, app = program.load(lib=LIB, app=APP)
    failure = program.fails({"app": APP.replace("'old'", "'new'") + f"{statement}\nraise ValueError('boom')\n"})
    assert isinstance(failure, rebottle.ExecutionError)
    assert isinstance(failure.__cause__, ValueError)
    assert app.f() == "old"
    assert lib.old() == 1
    assert list(vars(lib.ONE)) == ["items"]


def test_an_entry_in_the_middle_comes_back_to_its_place(program: Program) -> None:
    lib, _ = program.load(lib="REG = {'a': 1, 'b': 2, 'c': 3}\n", app="import @lib@ as lib\n")
    program.fails({"app": "import @lib@ as lib\nlib.REG['b'] = 9\nlib.REG['d'] = 4\n1 / 0\n"})
    assert list(lib.REG.items()) == [("a", 1), ("b", 2), ("c", 3)]


def test_undo_removes_only_the_updates_own_entries(program: Program) -> None:
    lib, _ = program.load(
        lib="import threading\nREG = {}\nGO, DONE = threading.Event(), threading.Event()\n", app="import @lib@ as lib\n"
    )

    def meanwhile() -> None:
        lib.GO.wait(20)
        lib.REG["program"] = 1
        lib.DONE.set()

    other = threading.Thread(target=meanwhile)
    other.start()
    app = "import @lib@ as lib\nlib.REG['update'] = 1\nlib.GO.set()\nassert lib.DONE.wait(20)\n1 / 0\n"
    names = program.write({"app": app})
    with pytest.raises(rebottle.ExecutionError):
        rebottle.reload(names)
    other.join()
    assert lib.REG == {"program": 1}


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("raise SystemExit(3)", SystemExit),
        ("import sys; sys.exit('bye')", SystemExit),
        ("1 / 0", ZeroDivisionError),
        ("undefined_name", NameError),
        ("assert False, 'no'", AssertionError),
        ("raise RecursionError('deep')", RecursionError),
        ("raise GeneratorExit", GeneratorExit),
        ("class Mine(BaseException): pass\nraise Mine('own')", BaseException),
        ("def g(): return g()\ng()", RecursionError),
        ("class Odd(Exception):\n    __traceback__ = property(lambda self: 1 / 0)\nraise Odd", Exception),
        ("class Odd(Exception):\n    def __str__(self): return 1 / 0\nraise Odd", Exception),
        ("class D(f): pass", TypeError),
    ],
)
def test_any_exception_of_a_new_statement(program: Program, statement: str, kind: type[BaseException]) -> None:
    _, app = program.load(lib=LIB, app=APP)
    failure = program.fails({"app": APP.replace("'old'", "'new'") + statement + "\n"}, rebottle.ExecutionError)
    assert isinstance(failure.__cause__, kind)
    assert app.f() == "old"


def test_the_error_names_file_line_type_and_text(program: Program) -> None:
    _, app = program.load(lib=LIB, app=APP)
    failure = program.fails({"app": APP + "x = 1\nraise LookupError('the reason')\n"}, rebottle.ExecutionError)
    for word in (app.__name__ + ".py", "line 4", "LookupError", "the reason"):
        assert word in str(failure)


def test_keyboard_interrupt_passes_through_as_itself_after_the_undo(program: Program) -> None:
    lib, app = program.load(lib=LIB, app=APP)
    new = APP.replace("'old'", "'new'") + "lib.REG['new'] = 1\nraise KeyboardInterrupt\n"
    program.fails({"app": new}, KeyboardInterrupt)
    assert app.f() == "old"
    assert list(lib.REG) == ["old"]


def test_modules_imported_for_the_first_time_are_taken_out_again(program: Program) -> None:
    _, app = program.load(lib=LIB, app=APP)
    world = program.world
    package, fresh = world.name("package"), world.name("fresh")
    world.write(fresh, "X = 1\n")
    world.write(package, "X = 1\n", package=True)
    world.write(f"{package}.inner", "Y = 1\n")
    text = APP + f"import {fresh}\nimport {package}.inner\n1 / 0\n"
    program.fails({"app": text}, rebottle.ExecutionError)
    assert not {fresh, package, f"{package}.inner"} & sys.modules.keys()
    assert not hasattr(app, fresh)


def test_a_new_submodule_is_taken_out_of_its_parent(program: Program) -> None:
    world = program.world
    name = world.name("pkg")
    world.write(f"{name}.inner", "Y = 1\n")
    package = world.load(name, "X = 1\n", package=True)
    world.write(name, f"X = 1\nimport {name}.inner\n1 / 0\n", package=True)
    with pytest.raises(rebottle.ExecutionError):
        rebottle.reload(name)
    assert f"{name}.inner" not in sys.modules
    assert not hasattr(package, "inner")


def test_a_finder_added_by_a_new_statement_is_taken_out(program: Program) -> None:
    program.load(lib=LIB, app=APP)
    text = APP + "import sys\nclass Finder:\n    def find_spec(*a): return None\n"
    program.fails({"app": text + "sys.meta_path.append(Finder())\nsys.path.append('/nowhere')\n1 / 0\n"})
    assert "/nowhere" not in sys.path


def test_an_exception_in_the_last_module_undoes_the_first(program: Program) -> None:
    one, two, three = program.load(one="R = []\n", two="import @one@\n", three="import @two@\n")
    program.fails({"one": "R = []\nX = 1\n", "two": "import @one@\n@one@.R.append(2)\nY = 1\n", "three": "1 / 0\n"})
    assert one.R == []
    assert not hasattr(one, "X")
    assert not hasattr(two, "Y")
    assert hasattr(three, program.world.name("two"))


def test_a_missing_item_that_a_read_put_in_goes_again(program: Program) -> None:
    lib, _ = program.load(
        lib="import collections\nMANY = collections.defaultdict(list)\nMANY['a'].append(1)\n",
        app="import @lib@ as lib\n",
    )
    program.fails({"app": "import @lib@ as lib\nlib.MANY['b'].append(2)\nlib.MANY['a'].append(3)\n1 / 0\n"})
    assert dict(lib.MANY) == {"a": [1]}


ABSTRACT = "import abc\nclass Shape(abc.ABC): pass\nclass Other: pass\nclass Third: pass\nShape.register(Third)\n"


def test_a_registration_with_an_abstract_class_is_undone(program: Program) -> None:
    [m] = program.load(m=ABSTRACT)
    assert not isinstance(m.Other(), m.Shape)
    program.fails({"m": ABSTRACT + "Shape.register(Other)\n1 / 0\n"})
    assert not isinstance(m.Other(), m.Shape)
    assert isinstance(m.Third(), m.Shape)
    report = program.update({"m": ABSTRACT + "Shape.register(Other)\n"})
    m.Shape.register(int)
    assert isinstance(m.Other(), m.Shape)
    report.rollback()
    assert not isinstance(m.Other(), m.Shape)
    assert isinstance(m.Third(), m.Shape)
    assert isinstance(1, m.Shape), "registered by the program since"


def test_the_error_names_the_file_that_raised(program: Program) -> None:
    program.load(lib=LIB, app=APP)
    program.write({"fresh": "import os\nraise ValueError('boom')\n"})
    failure = program.fails({"app": APP + "import @fresh@\n"})
    for part in (f"{program.world.name('app')}.py, line ", f"{program.world.name('fresh')}.py, line 2", "boom"):
        assert part in str(failure)
