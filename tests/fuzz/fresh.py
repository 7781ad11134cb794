"""A process of its own that starts programs afresh and tells what they are like: no engine, no former version.

Run as a script it is that process; :class:`Fresh` is its other end.
"""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tests.fuzz.behaviour import Behaviour, behaviour
from tests.fuzz.shape import shape

type Answer = dict[str, object] | str


def started(name: str, file: str, text: str) -> Answer:
    """The shape of a module after a start from ``text``; what it raised, in words, where it can't."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        exec(compile(text.encode(), file, "exec", dont_inherit=True), vars(module))
        return shape(module)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    finally:
        sys.modules.pop(name, None)


def behaving(texts: dict[str, str], uses: dict[str, list[str]]) -> Behaviour | str:
    """The behaviour of modules after a start; what it raised, in words, where it can't. Those used come first."""
    modules = {name: ModuleType(name) for name in texts}
    try:
        for name, module in modules.items():
            sys.modules[name] = module
            exec(compile(texts[name], name, "exec", dont_inherit=True), vars(module))
        return behaviour(modules, uses)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    finally:
        for name in texts:
            sys.modules.pop(name, None)


class Fresh:
    """Asks the process. A context manager."""

    def __enter__(self) -> Fresh:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, "-m", __name__], stdin=pipe, stdout=pipe)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait()

    def start(self, name: str, file: str, text: str) -> Answer:
        """As :func:`started`."""
        answer: Answer = self._ask(started, name, file, text)
        return answer

    def behave(self, texts: dict[str, str], uses: dict[str, list[str]]) -> Behaviour | str:
        """As :func:`behaving`."""
        answer: Behaviour | str = self._ask(behaving, texts, uses)
        return answer

    def _ask(self, question: Callable[..., Any], *values: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump((question.__name__, values), self._process.stdin)
        self._process.stdin.flush()
        return pickle.load(self._process.stdout)


def serve() -> None:
    """Answer until nobody asks any more."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what programs print
    sys.dont_write_bytecode = True
    while True:
        try:
            question, values = pickle.load(source)
        except EOFError:
            return
        answer: Any = started(*values) if question == "started" else behaving(*values)
        pickle.dump(answer, target)
        target.flush()


if __name__ == "__main__":
    serve()
