import weapon_data, player
weapon_data.gun.damage = 100
def new_fire_func(self, target):
    target.health -= weapon_data.gun.damage
player.Player.fire_func = new_fire_func
