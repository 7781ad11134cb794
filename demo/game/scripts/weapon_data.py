"""What the weapons of the game do."""


class Weapon:
    """One kind of weapon; damage in points of health."""

    def __init__(self, name: str, damage: int) -> None:
        self.name = name
        self.damage = damage


gun = Weapon("gun", damage=10)
