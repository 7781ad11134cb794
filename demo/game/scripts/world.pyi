"""The module that the server makes of its own world, in C++ (see scripting.cpp)."""

def nearest(number: int) -> int:
    """The number of the player who stands nearest to this one (itself, if nobody else is there)."""
