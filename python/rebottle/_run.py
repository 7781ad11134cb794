"""Run a program as ``python`` would, as ``__main__``."""

from __future__ import annotations

import builtins
import importlib
import io
import os
import pkgutil
import sys
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType, TracebackType

# What `python -m` itself uses, and pdb, trace and cProfile as well; the type stubs leave it out.
_runpy = importlib.import_module("runpy")


class CannotStartError(Exception):
    """There is no such program. ``status`` is what ``python`` exits with."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class _FramesHidden:
    """Keeps our frames, down to that of the ``with`` block, out of the traceback of what ends the program."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or trace is None:
            return
        show, inner = sys.excepthook, trace.tb_next

        # The interpreter has to end the program (exit status, death by SIGINT): only what it shows is changed.
        def show_without_ours(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
            if value is error:
                value, trace = value.with_traceback(inner), inner
            show(kind, value, trace)

        sys.excepthook = show_without_ours


def load_path(path: str, arguments: list[str]) -> CodeType:
    """Make ``__main__`` what ``python path`` makes it, with the same ``sys.argv`` and ``sys.path``; return its code.

    ``path`` is a script, its bytecode, or a directory or archive with a ``__main__``.

    Errors: :class:`CannotStartError`; ``SyntaxError``.
    """
    sys.argv = [path, *arguments]
    if pkgutil.get_importer(path) is None:
        return _load_script(path)
    _put_first(os.path.abspath(path), anyway=True)
    with _FramesHidden():
        found = _runpy._get_main_module_details(CannotStartError)
    return _become_module(*found)


def load_module(name: str, arguments: list[str]) -> CodeType:
    """Make ``__main__`` what ``python -m name`` makes it, with the same ``sys.argv`` and ``sys.path``; return its code.

    Errors: :class:`CannotStartError`; ``SyntaxError``; what the packages around the module raise.
    """
    sys.argv = ["-m", *arguments]
    _put_first(os.getcwd())
    with _FramesHidden():
        found = _runpy._get_module_details(name, CannotStartError)
    code = _become_module(*found)
    sys.argv[0] = vars(sys.modules["__main__"])["__file__"]
    return code


def execute(code: CodeType) -> None:
    """Run the code in ``__main__``. Errors: whatever the program raises."""
    namespace = vars(sys.modules["__main__"])
    with _FramesHidden():
        exec(code, namespace)


def _put_first(folder: str, *, anyway: bool = False) -> None:
    """Put ``folder`` first on ``sys.path``, in place of the folder of the command that runs now."""
    if not sys.flags.safe_path:
        sys.path[0] = folder
    elif anyway:
        sys.path.insert(0, folder)


def _load_script(path: str) -> CodeType:
    file = os.path.join(os.getcwd(), path)
    loader: type[SourceFileLoader | SourcelessFileLoader] = SourcelessFileLoader
    try:
        with io.open_code(file) as stream:
            code: CodeType | None = pkgutil.read_code(stream)
        if code is None:
            loader = SourceFileLoader
            with io.open_code(file) as stream:
                text = stream.read()
    except OSError as error:
        raise CannotStartError(f"can't open file {file!r}: [Errno {error.errno}] {error.strerror}", 2) from None
    _put_first(os.path.dirname(os.path.realpath(file)))
    if code is None:
        with _FramesHidden():
            code = compile(text, file, "exec", dont_inherit=True)
    _become_main(__file__=file, __cached__=None, __loader__=loader("__main__", file), __package__=None, __spec__=None)
    return code


def _become_module(_name: str, spec: importlib.machinery.ModuleSpec, code: CodeType) -> CodeType:
    _become_main(
        __file__=spec.origin, __cached__=spec.cached, __loader__=spec.loader, __package__=spec.parent, __spec__=spec
    )
    return code


def _become_main(**attributes: object) -> None:
    main = ModuleType("__main__")
    vars(main).update(attributes, __builtins__=builtins, __annotations__={})
    sys.modules["__main__"] = main
