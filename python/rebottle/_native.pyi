"""The engine, as Python sees it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Final, Literal, final

type _Choice = Literal["keep", "merge", "replace"]
type _Policy = _Choice | Mapping[str, _Choice]
type _Module = str | ModuleType
type _Modules = _Module | Sequence[_Module] | None

__version__: Final[str]

# --- values --------------------------------------------------------------------------------------------------------

@final
class Change:
    """One definition that an update changed."""

    @property
    def kind(self) -> str:
        """What was done, such as ``"function-code"``, ``"class-bases"``, ``"data-merged"``."""
    @property
    def where(self) -> str:
        """The definition's module and qualified name: ``"player.Player.fire"``."""
    @property
    def file(self) -> str:
        """The file of the new source; empty where there is none."""
    @property
    def line(self) -> int:
        """The line in the new source, from 1; 0 where there is none."""

@final
class Kept:
    """Something that was left alone although its source changed, or that didn't follow what it was derived from."""

    @property
    def where(self) -> str:
        """Module and qualified name: ``"conf.LIMIT"``."""
    @property
    def why(self) -> str:
        """The reason, as a sentence."""
    @property
    def file(self) -> str:
        """The file of the new source; empty where there is none."""
    @property
    def line(self) -> int:
        """The line in the new source, from 1; 0 where there is none."""

@final
class Refusal:
    """Why something cannot be updated soundly, and what to do instead."""

    @property
    def rule(self) -> str:
        """The stable name of the rule, as the list of limits in the documentation has it."""
    @property
    def where(self) -> str:
        """Module and qualified name."""
    @property
    def why(self) -> str:
        """The reason, as a sentence."""
    @property
    def what_to_do(self) -> str:
        """A way to get there nevertheless."""
    @property
    def file(self) -> str:
        """The file of the new source; empty where there is none."""
    @property
    def line(self) -> int:
        """The line in the new source, from 1; 0 where there is none."""

@final
class Stale:
    """Something that runs, or holds, old code. ``str()`` names the function, file and line."""

    @property
    def kind(self) -> str:
        """``"frame"``, ``"generator"``, ``"coroutine"``, ``"async generator"`` or ``"function"``."""
    @property
    def where(self) -> str:
        """Module and qualified name of the function."""
    @property
    def file(self) -> str:
        """The file of the old source."""
    @property
    def line(self) -> int:
        """Where it stands now, from 1, in the old source."""
    @property
    def thread(self) -> int:
        """The identifier of the thread that runs it (``threading.get_ident()``); 0 for what is suspended."""
    @property
    def why(self) -> str:
        """Why it didn't follow; may be empty."""

@final
class Timing:
    """How long the parts of an update took, in seconds."""

    @property
    def read(self) -> float:
        """Finding and reading sources."""
    @property
    def compile(self) -> float:
        """Comparing and compiling them."""
    @property
    def stage(self) -> float:
        """Running what must be run, away from the live program."""
    @property
    def pause(self) -> float:
        """The commit: nothing else ran."""
    @property
    def total(self) -> float:
        """From the call to its result."""

@final
class Report:
    """What an update did. ``str()`` is what a person wants to read. Only ``in_force`` ever changes."""

    @property
    def ok(self) -> bool:
        """Whether everything asked for was applied."""
    @property
    def kind(self) -> Literal["reload", "hotfix", "rollback"]:
        """Which verb."""
    @property
    def name(self) -> str:
        """The name given to a hotfix; otherwise empty."""
    @property
    def modules(self) -> list[str]:
        """The names of the modules that the update changed."""
    @property
    def changes(self) -> list[Change]:
        """What was changed."""
    @property
    def kept(self) -> list[Kept]:
        """What was left alone, with the reason."""
    @property
    def refusals(self) -> list[Refusal]:
        """What was refused."""
    @property
    def stale(self) -> list[Stale]:
        """What ran old code at the commit; :func:`stale` tells what still does."""
    @property
    def timing(self) -> Timing:
        """How long it took."""
    @property
    def id(self) -> int:
        """Counts the updates of this process, from 1."""
    @property
    def time(self) -> float:
        """When it was committed, in seconds since the epoch."""
    @property
    def in_force(self) -> bool:
        """False once the update has been undone, or superseded by an edit of the source."""
    def to_json(self) -> str:
        """The report as a JSON object with the names used here."""
    def rollback(self, cascade: bool = False) -> Report:
        """Undo this update: the same objects get back their code, bases, slots and data; names it added are gone.

        What the program itself did meanwhile stays. ``cascade``: also undo later updates that touched the same
        definitions; without it they are a refusal.

        Errors: ``RefusedError``. Threads: any; waits for holders. Cost: as the commit that is undone.
        """

@final
class Plan:
    """What an update would do. ``str()`` is what a person wants to read. A value."""

    @property
    def ok(self) -> bool:
        """Whether nothing would be refused."""
    @property
    def kind(self) -> Literal["reload", "hotfix", "rollback"]:
        """Which verb."""
    @property
    def name(self) -> str:
        """The name given to a hotfix; otherwise empty."""
    @property
    def modules(self) -> list[str]:
        """The names of the modules that would change."""
    @property
    def changes(self) -> list[Change]:
        """What would be changed."""
    @property
    def kept(self) -> list[Kept]:
        """What would be left alone, with the reason."""
    @property
    def refusals(self) -> list[Refusal]:
        """What would be refused."""
    @property
    def stale(self) -> list[Stale]:
        """What would go on in old code."""
    @property
    def unknown(self) -> list[str]:
        """What only running would tell."""
    @property
    def timing(self) -> Timing:
        """How long the planning took."""
    @property
    def id(self) -> int:
        """0: a plan is no update."""
    @property
    def time(self) -> float:
        """When it was made, in seconds since the epoch."""
    def to_json(self) -> str:
        """The plan as a JSON object with the names used here."""

# --- errors --------------------------------------------------------------------------------------------------------

class UpdateError(Exception):
    """An update was not applied: the program is as it was. ``str()`` has the file, the line and what went wrong."""

    report: Report
    """What the update had found until then."""

class SourceError(UpdateError):
    """Text is gone, can't be read or can't be compiled; chained to the cause (``SyntaxError``, ``OSError`` …)."""

class ExecutionError(UpdateError):
    """What had to be run raised an exception, to which this one is chained (``SystemExit`` included)."""

class RefusedError(UpdateError):
    """Something cannot be updated soundly."""

    refusals: list[Refusal]
    """The reasons, and what to do instead."""

class VerificationError(UpdateError):
    """After the commit a definition differed from its target; the update was undone."""

class UnknownModuleError(UpdateError):
    """A module was named that was never imported."""

# --- verbs ---------------------------------------------------------------------------------------------------------

def reload(
    modules: _Modules = None,
    *,
    policy: _Policy = "keep",
    prune: bool = False,
    on_refusal: Literal["error", "partial"] = "error",
    sources: Mapping[str, str] | None = None,
    force: Literal[False, "functions", "classes"] = False,
) -> Report:
    """Swap the new source of modules in, as one atomic update; a module whose source is unchanged is left as it is.

    ``modules``: names, patterns (``"ui.*"``) or module objects, or one of them; None means every tracked module, an
    empty list none. ``policy``: what happens to edited data: ``"keep"`` the live value, ``"merge"`` (the new value,
    unless the program changed the live one) or ``"replace"``; a dict says it per module and name
    (``{"conf": "replace", "conf.LIMIT": "keep"}``), what it leaves out is kept. ``prune``: names gone from the source
    are removed. ``on_refusal``: where something is refused, ``"error"`` applies nothing and ``"partial"`` the rest.
    ``sources``: text for modules, in place of their loader's. ``force``: ``"functions"`` renews all functions, changed
    or not, ``"classes"`` runs all class statements as well.

    Errors: ``UpdateError`` and its subclasses, after which the program is as it was; ``KeyboardInterrupt`` likewise;
    ``TypeError`` and ``ValueError`` for wrong arguments. Threads: any; commits in the calling one, and waits for
    holders. Cost: about that of compiling what changed; other threads wait for ``report.timing.pause``.
    """

def plan(
    modules: _Modules = None,
    *,
    policy: _Policy = "keep",
    prune: bool = False,
    on_refusal: Literal["error", "partial"] = "error",
    sources: Mapping[str, str] | None = None,
    force: Literal[False, "functions", "classes"] = False,
) -> Plan:
    """Say what :func:`reload` with the same arguments would change; run and touch nothing.

    Errors: ``SourceError``, ``UnknownModuleError``, ``RefusedError`` (rule ``disabled``); ``TypeError`` and
    ``ValueError``. Threads: any. Cost: as ``reload`` without its commit.
    """

def hotfix(source: str | Path, *, name: str | None = None) -> Report:
    """Run a snippet and let every holder of what it rebinds follow, as one update; a snippet that raises is undone.

    ``source``: text, or the path of a file with it. ``name``: what tracebacks and :func:`history` call it.

    Errors: as :func:`reload`. Threads: any; commits in the calling one. Cost: that of the snippet, and one pass over
    the heap where a held object has to be replaced.
    """

def rollback() -> Report:
    """Undo the last update still in force; two calls go back two steps.

    Errors: ``RefusedError`` where there is none. Threads, cost: as ``Report.rollback``.
    """

def history() -> list[Report]:
    """The reports of the last updates, oldest first: 32, unless the host says otherwise. Threads: any."""

def track(*modules: _Module) -> None:
    """Choose which modules :func:`reload` looks at: names, patterns or module objects.

    The default is everything imported from outside the standard library and site-packages; the first call replaces it,
    later ones add. Errors: ``TypeError``. Threads: any.
    """

def tracked() -> list[tuple[str, str]]:
    """The tracked modules that have a source file: name and path, in no particular order. Threads: any."""

def on_update[Callback: Callable[[Report], object]](callback: Callback) -> Callback:
    """Call ``callback(report)`` after every update, in the thread that made it; usable as a decorator.

    Errors: what the callback raises goes to ``sys.unraisablehook``.
    """

def hold() -> AbstractContextManager[None]:
    """Inside the ``with`` block no update is committed: a transaction, a frame of a game.

    Nests. An update waits for all holders, and new outermost holds wait for a waiting update. Errors: updates asked for
    inside one's own hold raise ``RefusedError``. Threads: a hold belongs to the thread that entered it.
    """

def stale() -> list[Stale]:
    """What runs old code now: frames, generators, coroutines, tasks. It shrinks as they end.

    Threads: any. Cost: one pass over the frames of all threads and the suspended ones.
    """

def rules() -> list[tuple[str, str, str, str]]:
    """The table of refusals: for each its id, what can't be done, why, and what to do instead."""

def disabled() -> bool:
    """Whether ``REBOTTLE_DISABLE=1`` switches updates off: calls are refused, ``rebottle run`` only runs."""

# --- for rebottle.watch --------------------------------------------------------------------------------------------

@final
class Watcher:
    """Tells which files changed. Threads: all methods from any thread; ``wait`` in one at a time.

    A forked child holds a stopped one. Errors: ``OSError`` where the process can't open another descriptor.
    """

    def __new__(cls) -> Watcher: ...
    def add(self, paths: Iterable[str], /) -> int:
        """Watch these files too, there or not yet; return how many are new to the watcher."""
    def wait(self, seconds: float, /) -> list[str]:
        """The files that changed since the last call, as they were given, sorted; empty after ``seconds`` or stop().

        A burst of changes is waited out. Other threads run meanwhile.
        """
    def stop(self, /) -> None:
        """End the wait() that is under way in another thread, and all later ones."""
    @property
    def notified(self) -> bool:
        """Whether the kernel tells about changes; otherwise files are looked at, twice a second."""
