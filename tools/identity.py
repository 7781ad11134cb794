"""Runs files of CPython's own test suite while every loaded module is updated by itself: identity.py MODE TEST..."""

from __future__ import annotations

import sys
import unittest

from rebottle._identity import MODES, IdentityUpdates


def main(mode: str, names: list[str]) -> int:
    """Exit status 1 if a test or an update failed."""
    if mode not in MODES:
        print(f"no such mode: {mode} ({', '.join(MODES)})", file=sys.stderr)
        return 2
    with IdentityUpdates(mode, 0.003) as updates:  # type: ignore[arg-type]
        suite = unittest.defaultTestLoader.loadTestsFromNames([f"test.{name}" for name in names])
        result = unittest.TextTestRunner(verbosity=0).run(suite)
    print(updates.summary())
    return 0 if result.wasSuccessful() and not updates.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
