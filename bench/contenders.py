"""The tools that are compared: each loads itself and then brings saved edits to life when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

Update = Callable[[ModuleType], object]


def rebottle_named() -> Update:
    import rebottle

    return lambda module: rebottle.reload([module.__name__])


def rebottle_all() -> Update:
    import rebottle

    return lambda module: rebottle.reload()


def importlib_reload() -> Update:
    return importlib.reload


def jurigged() -> Update:
    """Its own refresh of one file, without the file watcher around it."""
    register = importlib.import_module("jurigged.register")

    def update(module: ModuleType) -> None:
        register.registry.get(module.__file__).refresh()

    update.prepare = lambda module: register.registry.prepare(module.__name__, module.__file__)  # type: ignore[attr-defined]
    return update


def ipython_autoreload() -> Update:
    """What `%autoreload 2` does before each cell."""
    reloader = importlib.import_module("IPython.extensions.autoreload").ModuleReloader()

    def update(module: ModuleType) -> None:
        reloader.check(check_all=True)

    update.prepare = lambda module: reloader.check(check_all=True, do_reload=False)  # type: ignore[attr-defined]
    return update


def pydevd() -> Update:
    """What the debugger of PyDev, PyCharm and VS Code does when a file is saved."""
    reload: Update = importlib.import_module("_pydevd_bundle.pydevd_reload").xreload
    return reload


TOOLS: dict[str, Callable[[], Update]] = {
    "rebottle": rebottle_named,
    "rebottle-all": rebottle_all,
    "importlib": importlib_reload,
    "jurigged": jurigged,
    "ipython": ipython_autoreload,
    "pydevd": pydevd,
}
