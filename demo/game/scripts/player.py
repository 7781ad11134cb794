"""Who plays, and what a shot of theirs does."""

import secrets

import weapon_data

FULL_HEALTH = 1000


class Player:
    """A player in the arena, as long as the connection lives."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.health = FULL_HEALTH
        self.score = 0
        self.inventory = [f"medal-{secrets.token_hex(3)}"]

    def fire_func(self, target: "Player") -> None:
        """Shoots at the target; halves the damage although nobody wears armour: the bug of this demo."""
        target.health -= weapon_data.gun.damage // 2

    def tell_bag(self) -> str:
        """What the player carries."""
        return ",".join(self.inventory)


class Sniper(Player):
    """Shoots like everybody and counts the shots."""

    shots = 0

    def fire_func(self, target: Player) -> None:
        super().fire_func(target)
        self.shots += 1
