"""Reload whenever a tracked file changes."""

from __future__ import annotations

import atexit
import threading

from . import _native
from ._console import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._native import _Policy

_ASK_AGAIN = 0.5  # seconds until modules imported meanwhile are watched, too
_LAST_UPDATE = 2.0  # seconds that stop() waits for an update under way


class Watching:
    """What :func:`watch` returns. As a context manager it stops at the end of the block.

    Threads: all methods from any thread. In a forked child it is stopped; the parent's goes on.
    """

    def __init__(self, policy: _Policy) -> None:
        # Whether updates are possible and the policy is one is told here, to the caller, not to a thread.
        _native.plan([], policy=policy)
        self._policy = policy
        self._files = _native.Watcher()
        self._stopped = False
        self._said = ""
        self._follow()
        self._thread = threading.Thread(target=self._run, name="rebottle-watch", daemon=True)
        # A daemon thread must not be inside the engine when the interpreter goes down.
        atexit.register(self.stop)
        self._thread.start()

    def stop(self) -> None:
        """End the watching; waits up to two seconds for an update under way. A second call does nothing."""
        self._stopped = True
        self._files.stop()
        atexit.unregister(self.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join(_LAST_UPDATE)

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stopped:
            saved = bool(self._files.wait(_ASK_AGAIN))
            # What was imported since may have been edited before it was watched.
            imported = self._follow()
            if (saved or imported) and not self._stopped:
                self._update(saved)
                self._follow()

    def _follow(self) -> bool:
        """Watch the files of modules imported since the last call; tell whether there were any."""
        return self._files.add([path for _, path in _native.tracked()]) > 0

    def _update(self, saved: bool) -> None:
        try:
            report = _native.reload(policy=self._policy)
        except _native.UpdateError as error:
            self._complain(str(error), saved)
        except Exception as error:
            # Whatever it is, the next save deserves its update.
            self._complain(f"the update failed: {type(error).__name__}: {error}", saved)
        else:
            if self._said and not report.changes:
                say("mended; there is nothing to update")
            self._said = ""

    def _complain(self, text: str, saved: bool) -> None:
        if saved or text != self._said:
            say(text)
        self._said = text


def watch(policy: _Policy = "merge") -> Watching:
    """Reload the tracked modules whenever one of their files changes, until the handle is stopped.

    ``policy`` is that of :func:`rebottle.reload`. An update that fails is shown on standard error, with file and line;
    the old code goes on, and the next save is tried anew. Modules imported later are watched within half a second.

    Errors: ``RefusedError`` (rule ``disabled``) under ``REBOTTLE_DISABLE=1``; ``TypeError`` and ``ValueError`` for a
    wrong policy; ``OSError`` where the process can't open another file. Threads: any; the updates are made in a daemon
    thread of their own. Cost: a few microseconds a module to start; a save is noticed in about 20 ms, on network file
    systems and through symbolic links in half a second.
    """
    return Watching(policy)
