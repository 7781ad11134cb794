"""A process of its own that starts programs afresh and tells what they are like: no engine, no former version.

Run as a script it is that process; :class:`Fresh` is its other end.
"""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from types import ModuleType
from typing import Any

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
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump((name, file, text), self._process.stdin)
        self._process.stdin.flush()
        answer: Answer = pickle.load(self._process.stdout)
        return answer


def serve() -> None:
    """Answer until nobody asks any more."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what programs print
    sys.dont_write_bytecode = True
    while True:
        try:
            question: Any = pickle.load(source)
        except EOFError:
            return
        pickle.dump(started(*question), target)
        target.flush()


if __name__ == "__main__":
    serve()
