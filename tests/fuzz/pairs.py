"""Two modules put together at random, one of which uses the other; their later versions, with statements that are new.

Definitions come without effects at their evaluation, so an updated program is to behave as a fresh one does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

type Texts = dict[str, str]

LIB, APP = "lib", "app"
# What a member of a class may be: the chance of it, and its text. {n} is a digit, {b} a truth value.
MEMBERS = [
    (0.6, "number = {n}"),
    (0.15, "number: int = {n}"),
    (0.15, "table = {{'a': {n}, 'b': {n}}}"),
    (0.5, "def __init__(self, x={n}): self.x = x; self.y = {n}"),
    (0.6, "{d}def m(self, a={n}): return {n}, a"),
    (0.2, "{d}def m(self, *a): return {n}, {up}"),
    (0.4, "@property\n    def p(self): return {n}"),
    (0.1, "@property\n    def p(self): return {n}\n    @p.setter\n    def p(self, v): self.x = v, {n}"),
    (0.3, "@staticmethod\n    def s(a={n}): return a, {n}"),
    (0.3, "@classmethod\n    def c(cls, a={n}): return cls.__name__, a"),
    (0.15, "def __len__(self): return {n}"),
    (0.15, "def __eq__(self, o): return {b}"),
    (0.15, "def __call__(self, f=None): return {n}"),
    (0.1, "def __getattr__(self, name): return name, {n}"),
    (0.1, "def __class_getitem__(cls, i): return i, {n}"),
    (0.1, "def __iter__(self): yield {n}"),
    (0.1, "def __bool__(self): return {b}"),
    (0.1, "def __enter__(self): return {n}\n    def __exit__(self, *a): return True"),
    (0.1, "def __setattr__(self, name, value): object.__setattr__(self, name, (value, {n}))"),
    (0.1, "__slots__ = ('x', 'y', 'z', '__dict__')"),
    (0.1, "{d}def m(self, a={n}):\n        yield {n}, a"),
    (0.1, "m = lambda self, a={n}: (a, {n})"),
    (0.1, "s = staticmethod(lambda a={n}: (a, {n}))"),
    (0.1, "class Inner:\n        number = {n}\n        def deep(self): return {n}"),
]
PARAMETERS = ["a={n}", "a={n}, b={n}", "a={n}, *r", "*, a={n}", "a={n}, **k"]
DATA = ["{n}", "{{'a': {n}, 'b': [{n}]}}", "[{n}, {n}]", "({n}, 'x')"]
# How definitions are used; {0} is the way to one.
USES = {
    "class": [
        "{0}.number", "{0}().m()", "{0}().x", "{0}().p", "{0}.s()", "{0}.c()", "len({0}())", "{0}() == 77", "{0}()()",
        "{0}().anything", "{0}[1]", "list({0}())", "bool({0}())", "{0}.m(3)", "{0}.table['a']", "{0}.Inner().deep()",
        "{0}.Inner.number", "'yes' if {0}() else 'no'", "isinstance({0}(), object) and {0}().y",
        "getattr({0}, 'number', 'none')", "hasattr({0}, 'p')", "{0}.p.fset is None", "[each.m() for each in [{0}()]]",
        "(lambda k: k().m())({0})", "{0}().__dict__", "[each.__name__ for each in {0}.__mro__]",
    ],
    "function": [
        "{0}()", "{0}(5)", "[{0}(a=i) for i in range(2)]", "{0}.__defaults__", "{0}.__name__", "list(map({0}, [1]))",
        "(lambda: {0}())()", "list({0}())",
    ],
    "data": ["{0}", "str({0})", "[{0}]"],
}  # fmt: skip
# New statements; {u} is the name they bind, {e} and {f} are uses, {k} a class, {d} a decorator.
STATEMENTS = [
    "{u} = {e}\n",
    "{u} = ({e}), ({f})\n",
    "def {u}(x={e}): return x, {f}\n",
    "def {u}(*, x={e}): return x\n",
    "class {u}:\n    a = {e}\n    def m(self, y={f}): return self.a, y\n",
    "{u} = []\nfor each in range(2): {u}.append({e})\n",
    "if {e}: {u} = 1\nelse: {u} = {f}\n",
    "try: {u} = {e}\nexcept Exception as error: {u} = repr(error)\n",
    "{u}: 'int' = {e}\n",
    "{u} = lambda x={e}: (x, {f})\n",
    "{u} = {{'k': {e}, 'l': [{f}]}}\n",
    "def {u}(): return {e}\n{u}_v = {u}()\n",
    "class {u}_h:\n    def go(self): return {e}\n{u} = {u}_h().go()\n",
    "with __import__('contextlib').suppress(Exception): {u} = {e}\n",
    "class {u}({k}):\n    a = {e}\n",
    "class {u}({k}):\n    def m(self): return super().m()\n",
    "class {u}({k}): pass\n",
    "{u} = {k}(); {u}.z = {e}; {u} = {u}.__dict__\n",
    "{u} = [{k}() for i in range(2)][0].m()\n",
    "@{d}\ndef {u}(x=1): return x, {e}\n",
    "{u} = {d}(lambda: {e})()\n",
]


class Pair:
    """A program of two modules that are edited together. ``names`` are those of the library and of its user."""

    def __init__(self, chance: random.Random, names: tuple[str, str]) -> None:
        self.chance = chance
        self.names = dict(zip((LIB, APP), names, strict=True))
        self.imports = chance.choice(["module", "names", "both"])
        self.kinds: dict[str, dict[str, str]] = {module: dict(self._kinds(module)) for module in (LIB, APP)}
        self.made = 0
        self.definitions = {
            module: {name: self._definition(module, name) for name in kinds} for module, kinds in self.kinds.items()
        }
        self.texts = self._texts({LIB: [], APP: []})

    def edit(self) -> Texts:
        """The next version: some definitions are others, some statements are new, former new ones are gone."""
        share = self.chance.choice([0.2, 0.5, 0.8])
        for module, kinds in self.kinds.items():
            for name, kind in kinds.items():
                if kind != "decorator" and self.chance.random() < share:
                    self.definitions[module][name] = self._definition(module, name)
        return self.reworded()

    def reworded(self) -> Texts:
        """The same definitions with other new statements."""
        counts = {module: self.chance.randint(0, 4) for module in (LIB, APP)}
        self.texts = self._texts({module: [self._statement(module) for _ in range(n)] for module, n in counts.items()})
        return self.texts

    def uses(self) -> dict[str, list[str]]:
        """Expressions, by module, that look at every definition."""
        return {
            self.names[module]: [use.format(way) for way, kind, _ in self._ways(module) for use in USES.get(kind, [])]
            for module in (LIB, APP)
        }

    def _kinds(self, module: str) -> Iterator[tuple[str, str]]:
        for kind, most in (("decorator", 2), ("class", 3), ("function", 3), ("data", 2)):
            for number in range(self.chance.randint(1, most)):
                yield f"{module}_{kind}{number}", kind

    def _ways(self, module: str, until: str = "") -> list[tuple[str, str, str]]:
        """How a module names what is defined (before one of its own names), with kind and name."""
        found = []
        for name, kind in self.kinds[module].items():
            if name == until:
                break
            found.append((name, kind, name))
        if module == APP:
            prefixes = {"module": [self.names[LIB] + "."], "names": [""], "both": [self.names[LIB] + ".", ""]}
            for prefix in prefixes[self.imports]:
                found += [(prefix + name, kind, name) for name, kind in self.kinds[LIB].items()]
        return found

    def _filled(self, text: str, **words: str) -> str:
        """With a digit, or a truth value, for each place that wants one."""
        while "{n}" in text or "{b}" in text:
            text = text.replace("{n}", str(self.chance.randint(0, 9)), 1)
            text = text.replace("{b}", str(self.chance.random() < 0.5), 1)
        for word, value in words.items():
            text = text.replace("{" + word + "}", value)
        return text.replace("{{", "{").replace("}}", "}")

    def _some(self, ways: list[tuple[str, str, str]], kind: str, share: float) -> str:
        """One of this kind, or nothing."""
        found = [way for way, its, _ in ways if its == kind]
        return self.chance.choice(found) if found and self.chance.random() < share else ""

    def _definition(self, module: str, name: str) -> str:
        before = self._ways(module, name)
        match self.kinds[module][name]:
            case "class":
                return self._class(name, before)
            case "function":
                return self._function(name, before, self._ways(module))
            case "data":
                return self._filled(f"{name} = {self.chance.choice(DATA)}\n")
            case _:
                plain = f"def {name}(f): return f\n"
                wrapper = f"def {name}(f):\n    def inner(*a, **k): return {{n}}, f(*a, **k)\n    return inner\n"
                return self._filled(self.chance.choice([plain, wrapper]))

    def _class(self, name: str, before: list[tuple[str, str, str]]) -> str:
        base = self._some(before, "class", 0.6)
        members = []
        for share, text in MEMBERS:
            if self.chance.random() < share:
                decorator = self._some(before, "decorator", 0.3)
                words = {"d": f"@{decorator}\n    " if decorator else "", "up": "super().m()" if base else "0"}
                members.append(f"    {self._filled(text, **words)}\n")
        return f"class {name}{f'({base})' if base else ''}:\n" + ("".join(members) or "    pass\n")

    def _function(self, name: str, before: list[tuple[str, str, str]], ways: list[tuple[str, str, str]]) -> str:
        used = [use.format(way) for way, kind, _ in ways if kind in ("class", "data") for use in USES[kind][:6]]
        results = ["{n}, a", "a, {n}, [a]", "{n}, " + self.chance.choice(used)]
        result, parameters = self.chance.choice(results), self.chance.choice(PARAMETERS)
        decorator = self._some(before, "decorator", 0.3)
        line = f"@{decorator}\n" if decorator else ""
        forms = [f"{line}def {name}({parameters}): return {result}\n"] * 8
        forms.append(f"{line}def {name}({parameters}):\n    yield {result}\n")
        forms.append(f"{name} = lambda {parameters}: ({result})\n")
        return self._filled(self.chance.choice(forms))

    def _statement(self, module: str) -> str:
        self.made += 1
        ways = self._ways(module)
        uses = [use.format(way) for way, kind, _ in ways for use in self.chance.sample(USES.get(kind, [""]), 1) if use]
        words = {"u": f"u_{module}{self.made}", "e": self.chance.choice(uses), "f": self.chance.choice(uses)}
        words |= {"k": self._some(ways, "class", 1), "d": self._some(ways, "decorator", 1)}
        return self.chance.choice(STATEMENTS).format(**words)

    def _texts(self, statements: dict[str, list[str]]) -> Texts:
        imports = f"import {self.names[LIB]}\n" if self.imports != "names" else ""
        if self.imports != "module":
            imports += f"from {self.names[LIB]} import {', '.join(self.kinds[LIB])}\n"
        heads = {LIB: "", APP: imports}
        return {
            self.names[module]: "\n".join([heads[module], *self.definitions[module].values(), *statements[module]])
            for module in (LIB, APP)
        }
