"""Fetches two neighbouring releases of the library from PyPI, once: fetch.py FOLDER."""

import subprocess
import sys
import zipfile
from pathlib import Path

LIBRARY = "sqlparse"
OLD, NEW = "0.4.4", "0.5.0"


def fetch(version: str, folder: Path) -> None:
    """Unpacks that release's wheel into FOLDER/VERSION, unless it is there."""
    target = folder / version
    if target.exists():
        return
    print(f"Fetching {LIBRARY} {version}", flush=True)
    wheels = folder / f"{version}.wheel"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, "--no-deps", "--only-binary", ":all:", "-d", wheels, f"{LIBRARY}=={version}"], check=True)
    unpacked = folder / f"{version}.part"
    for wheel in wheels.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(unpacked)
    unpacked.rename(target)


if __name__ == "__main__":
    for release in (OLD, NEW):
        fetch(release, Path(sys.argv[1]))
