"""The scenarios' shared fixtures."""

from tests.contract.api.scenario import ab, program

__all__ = ["ab", "program"]
