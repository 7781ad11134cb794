"""What the server calls: one function for each thing that happens to a connection."""

from collections.abc import Callable
from functools import partial

import duel
import world
from player import FULL_HEALTH, Player, Sniper

Shot = Callable[[Player], None]

SESSIONS: dict[int, "Session"] = {}


class Session:
    """A connection's player, and every way in which a program may have got hold of its `fire_func`."""

    def __init__(self, number: int) -> None:
        self.player = Sniper(number) if number % 4 == 0 else Player(number)
        taken_at_login = self.player.fire_func
        self.ways: dict[str, Shot] = {
            "method": lambda target: self.player.fire_func(target),
            "bound": taken_at_login,
            "partial": partial(Player.fire_func, self.player),
            "alias": lambda target: duel.player_fire(self.player, target),
            "table": lambda target: duel.ACTIONS["fire"](self.player, target),
        }

    def fire(self, way: str) -> str:
        """Shoots at the nearest player in one of the ways; answers with the damage done and the score."""
        target = SESSIONS[world.nearest(self.player.number)].player
        before = target.health
        self.ways[way](target)
        damage = before - target.health
        self.player.score += 1
        if target.health <= 0:
            target.health = FULL_HEALTH
        return f"HIT {way} {damage} {self.player.score}"

    def ask(self, question: str) -> str:
        """Answers what the player's class knows how to tell."""
        tell = getattr(self.player, f"tell_{question}", None)
        return f"TOLD {question} {tell() if tell else 'unknown'}"


def joined(number: int) -> str:
    """A player has connected."""
    session = SESSIONS[number] = Session(number)
    return f"WELCOME {type(session.player).__name__} {session.player.tell_bag()}"


def left(number: int) -> None:
    """A player's connection has gone."""
    del SESSIONS[number]


def message(number: int, line: str) -> str:
    """A player has sent a line; returns the line that goes back."""
    verb, argument = line.split()
    session = SESSIONS[number]
    return session.fire(argument) if verb == "FIRE" else session.ask(argument)
