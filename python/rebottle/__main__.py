"""The command line: ``rebottle run``, ``rebottle doctor``."""

from __future__ import annotations

import argparse
import sys

from . import _doctor, _native, _run
from ._console import say
from ._watch import Watching

_LINES_SHOWN = 12  # of a report


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status. Exceptions of the program that is run pass through."""
    options = _parser().parse_args(arguments)
    if options.command == "doctor":
        print(_doctor.diagnosis())
        return 0
    return _run_program(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rebottle", description="Change running Python programs.")
    parser.add_argument("--version", action="version", version=f"rebottle {_native.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help="run a program as python would, updated whenever one of its files is saved",
        usage="rebottle run [-h] [--policy POLICY] (app.py | -m package.module) [ARGS ...]",
        allow_abbrev=False,
    )
    run.add_argument(
        "--policy",
        choices=("keep", "merge", "replace"),
        default="merge",
        help="what happens to edited data: keep the live value, merge (the default: take the new value unless the "
        "program changed it), or replace",
    )
    run.add_argument("-m", action="store_true", dest="is_module", help="the program is a module, not a file")
    # Unlike REMAINDER, PARSER leaves the options before the program to us and every `--` behind it to the program.
    run.add_argument(
        "program",
        nargs=argparse.PARSER,
        help="a script, a directory or archive with a __main__, or with -m a module; then the program's own arguments",
    )

    commands.add_parser("doctor", help="tell what this interpreter supports, and what is switched off and why")
    return parser


def _run_program(options: argparse.Namespace) -> int:
    load = _run.load_module if options.is_module else _run.load_path
    program, *arguments = options.program
    try:
        code = load(program, arguments)
    except _run.CannotStartError as error:
        say(str(error))
        return error.status
    if not _native.disabled():
        _native.on_update(_show)
        Watching(options.policy)
    _run.execute(code)
    return 0


def _show(report: _native.Report) -> None:
    """A few lines; all of them would hide what the program itself says."""
    if not (report.changes or report.kept or report.refusals):
        return
    lines = str(report).splitlines()
    more = len(lines) - _LINES_SHOWN
    if more > 1:
        lines[_LINES_SHOWN:] = [f"  and {more} more: rebottle.history()[-1] has them all"]
    say("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
