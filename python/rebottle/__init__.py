"""Change the code and data of this running program: reload its modules, or hotfix them, all or nothing.

    import rebottle                                 # from now on every imported module is tracked

    report = rebottle.reload()                      # every tracked module whose source changed
    report = rebottle.hotfix("import player\\nplayer.Player.speed = 3")
    report.rollback()                               # as it was
    rebottle.watch()                                # reload whenever a tracked file is saved

Whoever holds a function, a class, an instance, a module or a table goes on holding the same object and gets the new
behaviour from it. What cannot be updated soundly is refused before anything is touched.
"""

from . import _interpreter as _interpreter  # raises ImportError where rebottle can't work: must come first
from ._native import (
    Change,
    ExecutionError,
    Kept,
    Plan,
    Refusal,
    RefusedError,
    Report,
    SourceError,
    Stale,
    Timing,
    UnknownModuleError,
    UpdateError,
    VerificationError,
    __version__,
    disabled,
    history,
    hold,
    hotfix,
    on_update,
    plan,
    reload,
    rollback,
    stale,
    track,
    tracked,
)
from ._watch import Watching, watch

__all__ = [
    "Change",
    "ExecutionError",
    "Kept",
    "Plan",
    "Refusal",
    "RefusedError",
    "Report",
    "SourceError",
    "Stale",
    "Timing",
    "UnknownModuleError",
    "UpdateError",
    "VerificationError",
    "Watching",
    "__version__",
    "disabled",
    "history",
    "hold",
    "hotfix",
    "on_update",
    "plan",
    "reload",
    "rollback",
    "stale",
    "track",
    "tracked",
    "watch",
]
