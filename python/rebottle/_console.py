"""What rebottle says to the person in front of the program."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Write ``text`` to standard error, whole; do nothing where there is none any more."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"rebottle: {text}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # its reader is gone, or the program has closed it
        return
