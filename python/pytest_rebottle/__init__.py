"""A pytest plug-in: the tests run while every loaded module is updated by itself, again and again.

``pytest --rebottle-identity`` shows whether a program, and rebottle with it, stands updates at any moment: tests pass
as they do without it. The engine is imported only where the option is given.
"""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rebottle._identity import IdentityUpdates

_running: pytest.StashKey[IdentityUpdates] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--rebottle-identity[=MODE]`` and ``--rebottle-interval=SECONDS``."""
    group = parser.getgroup("rebottle")
    group.addoption(
        "--rebottle-identity",
        nargs="?",
        const="functions",
        choices=("functions", "classes", "rollback"),
        help="update every loaded module by itself while the tests run: functions (the default), classes, or functions"
        " with a rollback after each update",
    )
    group.addoption(
        "--rebottle-interval",
        type=float,
        default=0.005,
        metavar="SECONDS",
        help="time between two identity updates (default: 0.005)",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the updates."""
    mode = session.config.getoption("--rebottle-identity")
    if mode is None:
        return
    from rebottle._identity import IdentityUpdates

    updates = IdentityUpdates(mode, session.config.getoption("--rebottle-interval"))
    session.config.stash[_running] = updates
    updates.__enter__()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End them; an update that failed fails the session."""
    updates = session.config.stash.get(_running, None)
    if updates is None:
        return
    updates.__exit__()
    if updates.failed and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what was done."""
    updates = terminalreporter.config.stash.get(_running, None)
    if updates is not None:
        terminalreporter.section("rebottle identity updates")
        terminalreporter.write_line(updates.summary())
