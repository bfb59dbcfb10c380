"""A machine's limits as a reader wants them: a line for each limit, table size and thread count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.limits.readings import MachineLimits, Reading
from bench.units import digits, seconds

WIDTH = 100  # off a terminal
BUSY = 0.1  # cores

PLAIN = {
    "stream": ("stream triad, GB/s", 1e9),
    "fma": ("multiply-add in registers, GFLOP/s", 1e9),
    "blas": ("matrix product of the BLAS, GFLOP/s", 1e9),
    "call": ("NumPy calls on short rows, M/s", 1e6),
}
BY_RANK = {
    "sgd": ("SGD on cached rows, M ratings/s", 1e6),
    "gather": ("gather of random rows, GB/s", 1e9),
    "update": ("update of random rows, GB/s", 1e9),
}

Line = tuple[tuple[str, ...], dict[int, str]]  # words, and cells by threads or by rank


def show(limits: MachineLimits) -> None:
    """Print both tables, and when and where they were measured."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    print(f"Limits of {limits.machine}")
    print(f"measured {limits.measured}, in {seconds(limits.took_s)}; float32; best of many repeats")
    console.print(
        *notes(limits),
        _table(("limit",), "threads", list(plain_lines(limits))),
        _table(("limit", "table", "threads"), "rank", list(rank_lines(limits))),
        sep="\n",
    )


def notes(limits: MachineLimits) -> Iterator[Text]:
    """A warning where the machine was not quiet."""
    if limits.busy_cores > BUSY:
        yield Text(
            f"Other programs kept {limits.busy_cores:.1f} cores busy meanwhile, so these may be "
            "too low: measure again on a quiet machine with --force.",
            style="yellow",
        )


def plain_lines(limits: MachineLimits) -> Iterator[Line]:
    """Limits that know no rank: one line each, cells by number of threads."""
    for kind, (name, scale) in PLAIN.items():
        yield (name,), {r.threads: _cell(r, scale) for r in limits.of(kind)}


def rank_lines(limits: MachineLimits) -> Iterator[Line]:
    """Limits by rank: one line for each table size and number of threads, cells by rank."""
    for kind, (name, scale) in BY_RANK.items():
        for size, threads in sorted({(r.table_bytes, r.threads) for r in limits.of(kind)}):
            found = limits.of(kind, table_bytes=size, threads=threads)
            yield (
                (name, binary(size), str(threads)),
                {r.row_bytes // 4: _cell(r, scale) for r in found},
            )
            name = ""


def _table(words: Sequence[str], over: str, lines: Sequence[Line]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    columns = sorted({key for _, cells in lines for key in cells})
    for word in words:
        table.add_column(word, justify="left" if word == words[0] else "right", no_wrap=True)
    for key in columns:
        table.add_column(f"{over} {key}", justify="right", no_wrap=True)
    for texts, cells in lines:
        table.add_row(*map(Text, texts), *(Text(cells.get(key, "")) for key in columns))
    return table


def _cell(reading: Reading, scale: float) -> str:
    return digits(reading.best / scale)


def binary(size: int) -> str:
    """32 KiB, 256 MiB."""
    return f"{size >> 10} KiB" if size < 1 << 20 else f"{size >> 20} MiB"
