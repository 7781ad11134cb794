"""Section 4: attributes that an edited ``__init__`` newly gives reach the living instances."""

from __future__ import annotations

import pytest

from tests.contract.api.scenario import AB, Program, named, places

HEAD = "LIMIT = 7\nWORDS = ['a']\nclass Player:\n    def __init__(self, name='x'):\n        self.name = name\n"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("100", 100),
        ("-1.5", -1.5),
        ("'text'", "text"),
        ("b'raw'", b"raw"),
        ("None", None),
        ("True", True),
        ("[]", []),
        ("{}", {}),
        ("()", ()),
        ("set()", set()),
        ("LIMIT", 7),
    ],
)
def test_a_living_instance_gets_a_new_attribute(ab: AB, expression: str, value: object) -> None:
    m, update = ab(HEAD)
    player = m.Player("ann")
    update(f"{HEAD}        self.added = {expression}\n")
    assert player.added == value
    assert type(player.added) is type(value)
    assert player.name == "ann"


@pytest.mark.parametrize("expression", ["[]", "{}", "set()", "list()", "dict()"])
def test_each_instance_gets_its_own_container(ab: AB, expression: str) -> None:
    m, update = ab(HEAD)
    one, two = m.Player(), m.Player()
    update(f"{HEAD}        self.added = {expression}\n")
    assert one.added == two.added
    assert one.added is not two.added


def test_a_constant_of_the_module_is_that_object(ab: AB) -> None:
    m, update = ab("NOTHING = object()\n" + HEAD)
    player, held = m.Player(), m.NOTHING
    update("NOTHING = object()\n" + HEAD + "        self.target = NOTHING\n")
    assert player.target is held


def test_a_constant_that_is_new_as_well(ab: AB) -> None:
    m, update = ab(HEAD)
    player = m.Player()
    update("START = 40\n" + HEAD + "        self.mana = START\n")
    assert player.mana == 40


def test_an_instance_that_has_it_keeps_its_own(ab: AB) -> None:
    m, update = ab(HEAD)
    player = m.Player()
    player.mana = 3
    update(HEAD + "        self.mana = 100\n")
    assert player.mana == 3


def test_an_edited_value_of_an_old_attribute_changes_no_living_instance(ab: AB) -> None:
    m, update = ab(HEAD + "        self.mana = 1\n")
    player = m.Player()
    update(HEAD + "        self.mana = 2\n")
    assert (player.mana, m.Player().mana) == (1, 2)


def test_instances_of_subclasses_elsewhere_get_it(program: Program) -> None:
    _lib, app = program.load(lib=HEAD, app="from @lib@ import Player\nclass Mage(Player):\n    pass\n")
    mage = app.Mage()
    program.update({"lib": HEAD + "        self.mana = 9\n"})
    assert mage.mana == 9


def test_instances_inside_containers_and_cycles_get_it(ab: AB) -> None:
    m, update = ab(HEAD)
    hidden = {"deep": [(m.Player(),)]}
    hidden["deep"][0][0].me = hidden
    update(HEAD + "        self.mana = 9\n")
    assert hidden["deep"][0][0].mana == 9


def test_an_annotated_attribute_counts_as_well(ab: AB) -> None:
    m, update = ab(HEAD)
    player = m.Player()
    update(HEAD + "        self.buffs: list[int] = []\n")
    assert player.buffs == []


def test_init_is_not_run_for_living_instances(ab: AB) -> None:
    m, update = ab("CALLS = []\n" + HEAD)
    player = m.Player()
    update("CALLS = []\n" + HEAD + "        CALLS.append(self)\n        self.mana = 1\n")
    assert m.CALLS == []
    assert player.mana == 1


@pytest.mark.parametrize("expression", ["name.upper()", "name", "len(WORDS)", "[name]", "make()"])
def test_an_attribute_that_depends_on_arguments_or_calls_is_listed(ab: AB, expression: str) -> None:
    m, update = ab("def make(): return 1\n" + HEAD)
    player = m.Player()
    report = update("def make(): return 1\n" + HEAD + f"        self.added = {expression}\n")
    assert not hasattr(player, "added")
    assert "missing-attribute" in report.to_json()
    assert "Player" in report.to_json()
    assert "__update__" in report.to_json()
    assert hasattr(m.Player(), "added")


def test_a_conditional_attribute_is_not_given(ab: AB) -> None:
    m, update = ab(HEAD)
    player = m.Player()
    update(HEAD + "        if name == 'boss':\n            self.rage = 5\n")
    assert not hasattr(player, "rage")


def test_an_attribute_with_update_is_the_business_of_update(ab: AB) -> None:
    m, update = ab(HEAD)
    player = m.Player("ann")
    update(
        HEAD
        + "        self.loud = name.upper()\n    def __update__(self, old):\n        self.loud = self.name.upper()\n"
    )
    assert player.loud == "ANN"


def test_a_new_init_gives_its_attributes(ab: AB) -> None:
    m, update = ab("class Player:\n    pass\n")
    player = m.Player()
    update("class Player:\n    def __init__(self):\n        self.mana = 5\n")
    assert player.mana == 5


def test_a_local_name_is_no_attribute(ab: AB) -> None:
    m, update = ab(HEAD)
    player = m.Player()
    update(HEAD + "        mana = 5\n        name = mana\n")
    assert not hasattr(player, "mana")


def test_an_attribute_gone_from_init_stays_on_the_living(ab: AB) -> None:
    m, update = ab(HEAD + "        self.mana = 1\n")
    player = m.Player()
    update(HEAD)
    assert player.mana == 1
    assert not hasattr(m.Player(), "mana")


def test_rollback_takes_the_attribute_away_again(ab: AB) -> None:
    m, update = ab(HEAD)
    player = m.Player()
    report = update(HEAD + "        self.mana = 1\n")
    report.rollback()
    assert vars(player) == {"name": "x"}


def test_the_class_is_named_where_the_attribute_is_missing(ab: AB) -> None:
    m, update = ab(HEAD)
    living = m.Player()
    report = update(HEAD + "        self.loud = name.upper()\n")
    listed = [*report.kept, *report.changes, *report.refusals]
    assert named(listed, "missing-attribute") or "missing-attribute" in str(report)
    assert any("Player" in place for place in places(listed))
    assert not hasattr(living, "loud")


def test_an_init_that_takes_the_place_of_the_edited_one(ab: AB) -> None:
    base = "class B:\n    def __init__(self): self.b = 1{NEW}\n"
    rest = "class Own(B):\n    def __init__(self): self.own = 1\n"
    rest += "class Calls(B):\n    def __init__(self): super().__init__()\nclass Plain(B): pass\n"
    m, update = ab(base.replace("{NEW}", "") + rest)
    own, calls, plain = m.Own(), m.Calls(), m.Plain()
    update(base.replace("{NEW}", "; self.mana = 5") + rest)
    assert (calls.mana, plain.mana) == (5, 5)
    assert not hasattr(own, "mana"), "a new one has none either"
