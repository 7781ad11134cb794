"""Random edits of real source text, as people make them; seeded."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable

type Function = ast.FunctionDef | ast.AsyncFunctionDef
type Edit = Callable[[Text], str | None]


class Text:
    """A text, its tree, and a source of chance."""

    def __init__(self, text: str, chance: random.Random) -> None:
        self.text = text
        self.chance = chance
        self.lines = text.split("\n")
        self.tree = ast.parse(text)
        self.functions = [n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        self.classes = [node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)]
        self.bodies: list[list[ast.stmt]] = [self.tree.body, *(each.body for each in self.classes)]

    def pick[T](self, things: list[T]) -> T | None:
        return self.chance.choice(things) if things else None

    def first(self, node: ast.stmt) -> int:
        """The index of its first line, decorators included."""
        decorators = getattr(node, "decorator_list", [])
        return min([node.lineno, *(int(each.lineno) for each in decorators)]) - 1

    def whole_lines(self, node: ast.stmt) -> bool:
        """Whether it begins and ends with its lines."""
        first, last = self.lines[self.first(node)], self.lines[(node.end_lineno or 0) - 1]
        rest = last.encode()[node.end_col_offset or 0 :].strip()
        return not first[: node.col_offset].strip() and (not rest or rest.startswith(b"#"))

    def block(self, node: ast.stmt) -> list[str]:
        return self.lines[self.first(node) : node.end_lineno]

    def replaced(self, node: ast.stmt, lines: list[str]) -> str:
        return "\n".join(self.lines[: self.first(node)] + lines + self.lines[node.end_lineno or 0 :])

    def before(self, node: ast.stmt, *lines: str) -> str:
        indent = " " * node.col_offset
        return self.replaced(node, [indent + line for line in lines] + self.block(node))

    def any_member(self) -> ast.stmt | None:
        """A statement of the module or of a class, not its docstring or an import from the future."""
        body = self.pick(self.bodies) or []
        good = [each for each in body if self.whole_lines(each) and not self._must_be_first(each)]
        return self.pick(good)

    @staticmethod
    def _must_be_first(node: ast.stmt) -> bool:
        return isinstance(node, ast.ImportFrom) and node.module == "__future__"

    def body_of(self, function: Function) -> tuple[ast.stmt, bool] | None:
        """The first statement of a function that has lines of its own, and whether it is the docstring."""
        node = function.body[0]
        if node.lineno == function.lineno or not self.whole_lines(node):
            return None
        return node, isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)

    def header(self, node: Function | ast.ClassDef) -> int | None:
        """The index of the line with `def` or `class`, where the header is just that line."""
        index = node.lineno - 1
        return index if self.lines[index].rstrip().endswith(":") and node.body[0].lineno > node.lineno else None

    def with_line(self, index: int, line: str) -> str:
        return "\n".join([*self.lines[:index], line, *self.lines[index + 1 :]])


EDITS: list[Edit] = []


def edit(function: Edit) -> Edit:
    """Register an edit."""
    EDITS.append(function)
    return function


# --- bodies -----------------------------------------------------------------------------------------------------------


@edit
def change_constant(text: Text) -> str | None:
    numbers = [
        node
        for node in ast.walk(text.tree)
        if isinstance(node, ast.Constant) and type(node.value) in (int, str) and node.lineno == node.end_lineno
    ]
    node = text.pick(numbers)
    if node is None:
        return None
    line = text.lines[node.lineno - 1].encode()
    new = repr(node.value + 1 if isinstance(node.value, int) else str(node.value) + "x")
    line = line[: node.col_offset] + new.encode() + line[node.end_col_offset :]
    return text.with_line(node.lineno - 1, line.decode())


@edit
def insert_in_body(text: Text) -> str | None:
    function = text.pick(text.functions)
    found = function and text.body_of(function)
    if not found:
        return None
    lines = text.chance.choice(
        [["fuzz = 1"], ["if 0: yield 1"], ["fuzz = lambda: None"], ["def fuzz(): pass"], ["class Fuzz: pass"],
         ["fuzz = [each for each in ()]"], ["nonsense: int = 1"], ["return 42"], ["import sys as fuzz"],
         ["try: pass", "finally: fuzz = 2"], ["# only a comment"], [""], ["'''a docstring\n\nfuzz'''"]]
    )  # fmt: skip
    return text.before(found[0], *lines)


@edit
def capture_variable(text: Text) -> str | None:
    """An inner function with a free variable: the outer one's variable becomes a cell."""
    function = text.pick([each for each in text.functions if each.args.args])
    found = function and text.body_of(function)
    if not function or not found:
        return None
    return text.before(found[0], f"def fuzz_inner(): return {function.args.args[0].arg}", "fuzz_held = fuzz_inner")


@edit
def drop_statement_of_body(text: Text) -> str | None:
    function = text.pick(text.functions)
    node = function and text.pick([each for each in function.body if text.whole_lines(each)])
    if not node or not function or node.lineno == function.lineno:
        return None
    return text.replaced(node, [" " * node.col_offset + "pass"])


# --- headers ----------------------------------------------------------------------------------------------------------


def _edit_header(text: Text, node: Function | ast.ClassDef | None, change: Callable[[str], str]) -> str | None:
    index = text.header(node) if node else None
    if index is None:
        return None
    return text.with_line(index, change(text.lines[index]))


@edit
def rename(text: Text) -> str | None:
    node = text.pick([*text.functions, *text.classes])
    return _edit_header(text, node, lambda line: line.replace(node.name, node.name + "_fuzz", 1)) if node else None


@edit
def add_parameter(text: Text) -> str | None:
    node = text.pick([each for each in text.functions if not each.args.kwarg])
    parameter = text.chance.choice(["fuzz=1", "*, fuzz=()", "**fuzz", "fuzz: int = 2"])

    def change(line: str) -> str:
        head, _, tail = line.rpartition(")")
        comma = "" if head.rstrip().endswith("(") else ", "
        return f"{head}{comma}{parameter}){tail}"

    return _edit_header(text, node, change)


@edit
def change_default(text: Text) -> str | None:
    node = text.pick([each for each in text.functions if each.args.defaults])
    value = text.chance.choice(["None", "1", "()", "'fuzz'", "len"])

    def change(line: str) -> str:
        default = node.args.defaults[-1] if node else None
        if node is None or default is None or default.lineno != node.lineno or default.end_lineno != node.lineno:
            return line
        raw = line.encode()
        return (raw[: default.col_offset] + value.encode() + raw[default.end_col_offset :]).decode()

    return _edit_header(text, node, change)


@edit
def make_async(text: Text) -> str | None:
    node = text.pick([each for each in text.functions if isinstance(each, ast.FunctionDef)])
    return _edit_header(text, node, lambda line: line.replace("def ", "async def ", 1))


@edit
def annotate(text: Text) -> str | None:
    node = text.pick([each for each in text.functions if not each.returns])
    return _edit_header(text, node, lambda line: line.rstrip()[:-1] + " -> 'fuzz':")


@edit
def parametrize(text: Text) -> str | None:
    node = text.pick([each for each in [*text.functions, *text.classes] if not each.type_params])
    return _edit_header(text, node, lambda line: line.replace(node.name, f"{node.name}[FuzzT]", 1)) if node else None


@edit
def change_bases(text: Text) -> str | None:
    node = text.pick(text.classes)
    mixin = f"FuzzMixin{text.chance.randrange(1_000_000)}"

    def change(line: str) -> str:
        name = node.name if node else ""
        if "(" not in line:
            return line.replace(name + ":", f"{name}({mixin}):")
        return line.replace("(", f"({mixin}, ", 1) if text.chance.random() < 0.6 else line.split("(")[0] + ":"

    new = _edit_header(text, node, change)
    return new and f"class {mixin}:\n    def fuzz_mixed(self): return super().__init__\n{new}"


@edit
def add_decorator(text: Text) -> str | None:
    node = text.pick([*text.functions, *text.classes])
    if not node or not text.whole_lines(node):
        return None
    words = ["@staticmethod", "@classmethod", "@property", "@__import__('functools').cache", "@fuzz_decorator"]
    if isinstance(node, ast.ClassDef):
        words = ["@fuzz_decorator", "@__import__('functools').total_ordering", "@__import__('dataclasses').dataclass"]
    word = text.chance.choice(words)
    new = text.before(node, word)
    return f"def fuzz_decorator(thing): return thing\n{new}" if "fuzz_decorator" in word else new


@edit
def drop_decorators(text: Text) -> str | None:
    node = text.pick([each for each in [*text.functions, *text.classes] if each.decorator_list])
    return text.replaced(node, text.lines[node.lineno - 1 : node.end_lineno]) if node else None


# --- members ----------------------------------------------------------------------------------------------------------


@edit
def drop_member(text: Text) -> str | None:
    node = text.any_member()
    return text.replaced(node, [" " * node.col_offset + "pass"]) if node else None


@edit
def repeat_member(text: Text) -> str | None:
    node = text.any_member()
    if isinstance(node, ast.ClassDef):
        return None  # several classes of one name: only the last one is known by it
    return text.replaced(node, text.block(node) * 2) if node else None


@edit
def swap_members(text: Text) -> str | None:
    body = text.pick(text.bodies) or []
    if len(body) < 2:
        return None
    at = text.chance.randrange(len(body) - 1)
    first, second = body[at : at + 2]
    if not text.whole_lines(first) or not text.whole_lines(second) or text.first(second) < (first.end_lineno or 0):
        return None
    between = text.lines[first.end_lineno : text.first(second)]
    lines = text.lines[: text.first(first)] + text.block(second) + between + text.block(first)
    return "\n".join(lines + text.lines[second.end_lineno :])


@edit
def add_member(text: Text) -> str | None:
    node = text.any_member()
    choice: list[list[str]] = [
        ["fuzz_added = 1"], ["def fuzz_function(*values): return values"], ["class FuzzClass:", "    x = 1"],
        ["fuzz_lambda = lambda self: self"], ["fuzz_table = {'a': [1], 'b': {2}}"], ["fuzz_typed: int = 5"],
        ["@property", "def fuzz_property(self): return __class__"], ["type FuzzAlias = int"], ["__slots__ = ()"],
        ["def __eq__(self, other): return NotImplemented"], ["if True:", "    def fuzz_nested(): pass"],
        ["for fuzz_loop in (1, 2): pass"], ["import os.path as fuzz_module"], ["fuzz_added = fuzz_added"],
        ["def __init__(self, *a, **k): self.fuzz = []"], ["fuzz_a, *fuzz_b = 1, 2"], ["try: 1 / 0", "except: 1"],
        ["def __class_getitem__(cls, i): return cls"],
        ["def __init_subclass__(cls, **k): super().__init_subclass__(**k)"],
        ["def __set_name__(self, owner, name): pass"], ["(fuzz_walrus := 5)"],
    ]  # fmt: skip
    return text.before(node, *text.chance.choice(choice)) if node else None


@edit
def move_member(text: Text) -> str | None:
    node, place = text.any_member(), text.any_member()
    if not node or not place or text.first(place) <= (node.end_lineno or 0):
        return None
    shift = " " * place.col_offset
    block = [shift + line[node.col_offset :] if line.strip() else line for line in text.block(node)]
    new = text.lines[: text.first(place)] + block + text.lines[text.first(place) :]
    gone = [" " * node.col_offset + "pass"] if text.chance.random() < 0.5 else text.block(node)
    return "\n".join(new[: text.first(node)] + gone + new[node.end_lineno or 0 :])


@edit
def wrap_member(text: Text) -> str | None:
    node = text.any_member()
    if not node:
        return None
    head = text.chance.choice(["if True:", "with __import__('contextlib').nullcontext():", "for _ in (1,):"])
    indent = " " * node.col_offset
    return text.replaced(node, [indent + head, *("    " + line if line.strip() else line for line in text.block(node))])


# --- form -------------------------------------------------------------------------------------------------------------


@edit
def insert_blank(text: Text) -> str | None:
    node = text.any_member()
    return (
        text.before(node, *text.chance.choice([[""], ["# fuzz"], ["\\"], ["", "", "# fuzz", ""], ["pass"], ["\f"]]))
        if node
        else None
    )


@edit
def prepend(text: Text) -> str | None:
    line = text.chance.choice(
        ["# fuzz", "", "'''fuzz'''", "from __future__ import annotations", "import os, sys", "#!fuzz"]
    )
    return f"{line}\n{text.text}"


@edit
def append(text: Text) -> str | None:
    tail = text.chance.choice(
        ["fuzz_end = 1", "# fuzz", "\\\n", "    ", "fuzz_end = '''\n\n'''", "if 1:\n\tfuzz_tab = 1"]
    )
    return f"{text.text}\n{tail}"


@edit
def other_line_ends(text: Text) -> str | None:
    return text.text.replace("\n", "\r\n") if "\r" not in text.text else text.text.replace("\r\n", "\n")


def compiles(text: str) -> bool:
    """Whether it is Python."""
    try:
        compile(text, "<fuzz>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def edited(text: str, chance: random.Random, edits: int) -> str:
    """``text`` after some edits; valid Python, like ``text``."""
    for _ in range(edits):
        for _try in range(20):
            new = chance.choice(EDITS)(Text(text, chance))
            if new is not None and new != text and compiles(new):
                text = new
                break
    return text
