"""Draws the frame times of the server, as a whole and around each update."""

import csv
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

BUDGET_MS = 1000 / 60
AROUND = 0.25  # seconds before and after an update
INK, FAINT, MARK = "#1f4e79", "#8a8a8a", "#c0392b"


@dataclass(frozen=True)
class Frame:
    """One frame: start in seconds, cost in ms and the engine's share of it, the update applied in it."""

    start: float
    work: float
    engine: float
    event: str


def _frame(row: dict[str, str]) -> Frame:
    return Frame(float(row["start_s"]), float(row["work_us"]) / 1000, float(row["update_us"]) / 1000, row["event"])


def draw(source: Path, target: Path) -> None:
    """Reads the frame times (CSV, microseconds), writes the diagram (PNG)."""
    with source.open(newline="") as file:
        frames = [_frame(row) for row in csv.DictReader(file)]
    updates = [frame for frame in frames if frame.event]
    figure = plt.figure(figsize=(11, 6), layout="constrained")
    grid = figure.add_gridspec(2, max(len(updates), 1))
    figure.suptitle("A game server with 200 players, updated while they play: what each frame costs")

    whole = figure.add_subplot(grid[0, :])
    _plot(whole, frames, {update: update.event for update in updates})
    whole.axhline(BUDGET_MS, color=FAINT, linestyle="--", linewidth=1)
    whole.text(0, BUDGET_MS, "a frame at 60 Hz lasts 16.7 ms", color=FAINT, va="bottom", fontsize=8)
    whole.set(ylim=(0, BUDGET_MS * 1.15), ylabel="work in a frame, ms", xlabel="s")

    for column, update in enumerate(updates):
        near = [frame for frame in frames if abs(frame.start - update.start) <= AROUND]
        detail = figure.add_subplot(grid[1, column])
        _plot(detail, near, {update: f"frame {update.work:.1f} ms,\nupdate {update.engine:.1f} ms of it"})
        detail.set(title=update.event, xlabel="s", ylim=(0, max(f.work for f in near) * 1.3))
    figure.savefig(target, dpi=120)
    plt.close(figure)


def _plot(axes: Axes, frames: list[Frame], labels: dict[Frame, str]) -> None:
    axes.plot([f.start for f in frames], [f.work for f in frames], color=INK, linewidth=0.7, marker=".", markersize=3)
    for update, label in labels.items():
        axes.axvline(update.start, color=MARK, linewidth=0.8, alpha=0.6)
        axes.plot([update.start], [update.work], color=MARK, marker="o", markersize=5)
        axes.annotate(
            label,
            (update.start, update.work),
            color=MARK,
            fontsize=8,
            textcoords="offset points",
            xytext=(5, 5),
        )
