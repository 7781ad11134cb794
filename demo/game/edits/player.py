"""Who plays, what a shot of theirs does, and which rank they have earned."""

import secrets
from bisect import bisect

import weapon_data

FULL_HEALTH = 1000
RANKS = {0: "rookie", 20: "veteran", 60: "legend"}


def rank_of(score: int) -> str:
    """The highest rank that the score is good for."""
    limits = list(RANKS)
    return RANKS[limits[bisect(limits, score) - 1]]


class Player:
    """A player in the arena, as long as the connection lives."""

    bonus = 20

    def __init__(self, number: int) -> None:
        self.number = number
        self.health = FULL_HEALTH
        self.score = 0
        self.streak = 0
        self.inventory = [f"medal-{secrets.token_hex(3)}"]

    def fire_func(self, target: "Player") -> None:
        """Shoots at the target, with a bonus for everybody."""
        self.streak += 1
        target.health -= weapon_data.gun.damage + self.bonus

    def tell_bag(self) -> str:
        """What the player carries."""
        return ",".join(self.inventory)

    def tell_rank(self) -> str:
        """The rank, by the score earned so far."""
        return rank_of(self.score)


class Sniper(Player):
    """Shoots like everybody and counts the shots."""

    shots = 0

    def fire_func(self, target: Player) -> None:
        super().fire_func(target)
        self.shots += 1
