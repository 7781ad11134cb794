"""The scenarios' shared fixtures."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))

from scenario import ab, program

__all__ = ["ab", "program"]
