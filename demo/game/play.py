"""Lets 200 bots play on the game server, which is updated meanwhile, and draws what it cost: play.py BUILD OUT."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Timer

from diagram import draw

PLAYERS = 200
PLAY_MS = 2400  # between two updates
PATIENCE = 60  # seconds until a run that hangs is given up

HERE = Path(__file__).parent


def play(build: Path, scripts: Path, csv: Path) -> bool:
    """Runs server and bots to the end; true if both found everything as it must be."""
    command = [build / "game_server", sys.executable, scripts, HERE / "edits", csv, PLAYERS, PLAY_MS]
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        watchdog = Timer(PATIENCE, server.kill)
        watchdog.start()
        port = server.stdout.readline().removeprefix("PORT ").strip()
        with subprocess.Popen([build / "game_bots", port or "0", str(PLAYERS)]) as bots:
            for line in server.stdout:
                print(line, end="", flush=True)
        watchdog.cancel()
    return server.returncode == 0 and bots.returncode == 0


def main() -> int:
    """Works on a copy of the scripts, so that the repository's files stay as they are."""
    build, out = Path(sys.argv[1]), Path(sys.argv[2])
    print("\n1. A game server in C++ with rules in Python, changed while everybody plays\n", flush=True)
    csv = out / "frame-times.csv"
    with tempfile.TemporaryDirectory(prefix="rebottle-demo-") as folder:
        scripts = Path(folder) / "scripts"
        shutil.copytree(HERE / "scripts", scripts, ignore=shutil.ignore_patterns("__pycache__", "*.pyi"))
        good = play(build, scripts, csv)
    if good:
        picture = csv.with_suffix(".png")
        draw(csv, picture)
        print(f"  the frame times around the updates: {os.path.relpath(picture)}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
