"""Section 9: custom finders and loaders; where the loader transforms, its code counts, not the text."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import rebottle
from tests.contract.api.scenario import Program

OLD = "RUNS = []\nRUNS.append(1)\ndef f(): return 'old'\nclass C:\n    def g(self): return 'old'\n"
NEW = OLD.replace("'old'", "'new'") + "def more(): return f() + '!'\n"


def crypt(data: bytes) -> bytes:
    """Encrypt, or decrypt, with a toy cipher."""
    return bytes(byte ^ 0x5A for byte in data)


class Vault(importlib.abc.MetaPathFinder):
    """Finds modules in a table of encrypted texts."""

    def __init__(self, loader: type[Any]) -> None:
        self.loader = loader
        self.texts: dict[str, bytes] = {}
        self.asked: list[str] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.texts:
            return None
        self.asked.append(fullname)
        return importlib.util.spec_from_loader(fullname, self.loader(self, fullname), origin=f"vault:{fullname}")

    def put(self, name: str, text: str) -> None:
        """Store the text encrypted."""
        self.texts[name] = crypt(text.encode())


class Base(importlib.abc.Loader):
    """What the loaders below share."""

    def __init__(self, vault: Vault, name: str) -> None:
        self.vault, self.name = vault, name

    def text(self) -> str:
        """The decrypted text."""
        return crypt(self.vault.texts[self.name]).decode()


class GetSource(Base, importlib.abc.InspectLoader):
    """Gives the text."""

    def get_source(self, fullname: str) -> str:
        return self.text()


class GetCode(Base, importlib.abc.InspectLoader):
    """Gives only code."""

    def get_source(self, fullname: str) -> str | None:
        return None

    def get_code(self, fullname: str) -> types.CodeType:
        return compile(self.text(), f"<vault:{fullname}>", "exec")


class ExecModule(Base):
    """Executes the module itself."""

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(self.text(), f"<vault:{self.name}>", "exec"), vars(module))


class SourceToCode(Base, importlib.abc.SourceLoader):
    """Hands out encrypted bytes, and decrypts when compiling."""

    def get_filename(self, fullname: str) -> str:
        return f"/vault/{fullname}.py"

    def get_data(self, path: str | bytes) -> bytes:
        return self.vault.texts[self.name]

    def source_to_code(self, data: Any, path: Any = "<string>", **options: Any) -> types.CodeType:  # type: ignore[override]
        return compile(crypt(bytes(data)), path, "exec")


class Shouting(Base, importlib.abc.InspectLoader):
    """Transforms the text before it compiles: instrumentation, assertion rewriting."""

    def get_source(self, fullname: str) -> str:
        return self.text()

    def source_to_code(self, data: Any, path: Any = "<string>") -> types.CodeType:  # type: ignore[override]
        return compile(str(data).replace("'old'", "'OLD'").replace("'new'", "'NEW'"), path, "exec")


LOADERS = [GetSource, GetCode, ExecModule, SourceToCode]


@pytest.fixture
def vault(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, program: Program) -> Iterator[Vault]:
    """A vault with the loader that the test asks for, on ``sys.meta_path``."""
    it = Vault(request.param)
    monkeypatch.setattr(sys, "meta_path", [it, *sys.meta_path])
    yield it
    program.go_back()
    for name in it.texts:
        sys.modules.pop(name, None)


def load(program: Program, vault: Vault, text: str = OLD) -> types.ModuleType:
    """A module from the vault."""
    name = program.world.name("secret")
    vault.put(name, text)
    return importlib.import_module(name)


@pytest.mark.parametrize("vault", LOADERS, indirect=True)
def test_a_module_of_a_custom_loader_is_updated(program: Program, vault: Vault) -> None:
    m = load(program, vault)
    f, one = m.f, m.C()
    vault.put(m.__name__, NEW)
    report = program.reload([m.__name__])
    assert m.f is f
    assert (f(), one.g(), m.more()) == ("new", "new", "new!")
    assert m.RUNS == [1]
    assert any(change.where == f"{m.__name__}.f" for change in report.changes)


@pytest.mark.parametrize("vault", LOADERS, indirect=True)
def test_an_unchanged_one_is_left_as_it_is(program: Program, vault: Vault) -> None:
    m = load(program, vault)
    assert list(program.reload([m.__name__]).changes) == []
    assert m.RUNS == [1]


@pytest.mark.parametrize("vault", LOADERS, indirect=True)
def test_a_new_statement_runs_once(program: Program, vault: Vault) -> None:
    m = load(program, vault)
    vault.put(m.__name__, OLD + "RUNS.append(2)\n")
    program.reload([m.__name__], undo=False)
    assert m.RUNS == [1, 2]


@pytest.mark.parametrize("vault", LOADERS, indirect=True)
def test_a_broken_text_changes_nothing_and_heals(program: Program, vault: Vault) -> None:
    m = load(program, vault)
    vault.put(m.__name__, "def f(:\n")
    with pytest.raises(rebottle.UpdateError):
        rebottle.reload([m.__name__])
    assert m.f() == "old"
    vault.put(m.__name__, NEW)
    program.reload([m.__name__])
    assert m.f() == "new"


@pytest.mark.parametrize("vault", LOADERS, indirect=True)
def test_an_exception_in_a_new_statement_changes_nothing(program: Program, vault: Vault) -> None:
    m = load(program, vault)
    vault.put(m.__name__, NEW + "RUNS.append(3)\n1 / 0\n")
    with pytest.raises(rebottle.ExecutionError) as caught:
        rebottle.reload([m.__name__])
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert (m.f(), m.RUNS) == ("old", [1])
    assert not hasattr(m, "more")


@pytest.mark.parametrize("vault", LOADERS, indirect=True)
def test_data_follows_the_policy(program: Program, vault: Vault) -> None:
    m = load(program, vault, "T = {'a': 1}\nX = 1\n")
    table = m.T
    vault.put(m.__name__, "T = {'a': 2}\nX = 2\n")
    program.reload([m.__name__], policy="replace")
    assert m.T is table
    assert (table, m.X) == ({"a": 2}, 2)


@pytest.mark.parametrize("vault", [Shouting], indirect=True)
def test_where_the_loader_transforms_its_code_counts(program: Program, vault: Vault) -> None:
    m = load(program, vault)
    f, one = m.f, m.C()
    assert f() == "OLD"
    vault.put(m.__name__, NEW)
    program.reload([m.__name__])
    assert m.f is f
    assert (f(), one.g()) == ("NEW", "NEW")


@pytest.mark.parametrize("vault", [Shouting], indirect=True)
def test_an_added_function_is_transformed_as_well(program: Program, vault: Vault) -> None:
    m = load(program, vault)
    vault.put(m.__name__, OLD + "def late(): return 'new'\n")
    program.reload([m.__name__])
    assert m.late() == "NEW"


@pytest.mark.parametrize("vault", [GetSource], indirect=True)
def test_the_import_system_is_asked_again(program: Program, vault: Vault) -> None:
    m = load(program, vault)
    loader = m.__loader__
    vault.asked.clear()
    vault.put(m.__name__, NEW)
    program.reload([m.__name__])
    assert m.__name__ in vault.asked
    assert m.__loader__ is m.__spec__.loader  # type: ignore[union-attr]
    assert type(m.__loader__) is type(loader)


@pytest.mark.parametrize("vault", [GetSource], indirect=True)
def test_a_module_that_a_finder_takes_over(program: Program, vault: Vault) -> None:
    [m] = program.load(m=OLD)
    f = m.f
    vault.put(m.__name__, NEW)
    program.reload([m])
    assert m.f is f
    assert f() == "new"
    assert isinstance(m.__loader__, GetSource)


@pytest.mark.parametrize("vault", [GetSource], indirect=True)
def test_a_loader_that_raises_leaves_everything(
    program: Program, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    m = load(program, vault)
    vault.put(m.__name__, NEW)

    def fail(self: Base) -> str:
        raise OSError("the archive is locked")

    monkeypatch.setattr(Base, "text", fail)
    with pytest.raises(rebottle.SourceError) as caught:
        rebottle.reload([m.__name__])
    assert "the archive is locked" in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
    assert m.f() == "old"
