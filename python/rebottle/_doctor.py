"""What this interpreter supports, and what is switched off and why."""

from __future__ import annotations

import platform
import sys

from . import _native


def diagnosis() -> str:
    """A few lines of ``subject   finding``."""
    findings = {
        "rebottle": _native.__version__,
        "interpreter": f"{platform.python_implementation()} {platform.python_version()} ({sys.executable}): supported",
        "updates": "off: REBOTTLE_DISABLE is set; calls are refused, `rebottle run` only runs"
        if _native.disabled()
        else "on",
        "watching": "on: the kernel tells about changes (inotify)"
        if _native.Watcher().notified
        else "slower: the kernel grants no inotify instance; files are looked at twice a second",
    }
    return "\n".join(f"{subject:<12} {finding}" for subject, finding in findings.items())
