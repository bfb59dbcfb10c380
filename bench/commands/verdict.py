"""`mfbench verdict`: the blog's question answered from records, as a page and in short."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.records import ResultsError

if TYPE_CHECKING:
    from bench.records import Record
    from bench.verdict import Contest

DIRECTORY = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("directories", nargs=-1, type=DIRECTORY)
@click.option("-o", "--output", type=FILE, help="Write the page here, not to standard output.")
@click.option("--readme", type=FILE, help="A page whose short form is written anew.")
def verdict(directories: Sequence[Path], output: Path | None, readme: Path | None) -> None:
    """Say from records whether autograd converges faster, and in fewer lines.

    Nothing runs. DIRECTORIES hold results; default: results/reference. The short form is put
    between two marks of the --readme page; its table is about the first of them.
    """
    from bench.verdict import page, put, short

    places = list(directories) or [Path("results/reference")]
    runs = {place.as_posix(): _records(place) for place in places}
    text = page(_contests(runs, output), runs, _command(places, output, readme))
    pages = {output: text}
    if readme:
        pages[readme] = put(short(_contests(runs, readme)), _read(readme), str(readme))
    for path, content in pages.items():
        _write(path, content)


def _command(places: Sequence[Path], output: Path | None, readme: Path | None) -> str:
    words = ["mfbench", "verdict", *map(Path.as_posix, places)]
    words += ["-o", output.as_posix()] if output else []
    return shlex.join(words + (["--readme", readme.as_posix()] if readme else []))


def _records(place: Path) -> list[Record]:
    from bench.limits.attach import with_rates
    from bench.results import read

    if records := with_rates(read(place), place):
        return records
    raise ResultsError(f"{place} holds no results; mfbench run -o {place} makes some.")


def _contests(runs: Mapping[str, Sequence[Record]], page: Path | None) -> list[Contest]:
    from bench.verdict import contests

    names = _names(list(runs))
    return [
        contest
        for place, records in runs.items()
        for contest in contests(records, _figures(Path(place), page), names[place])
    ]


def _names(places: Sequence[str]) -> dict[str, str]:
    # One run needs no name; of several, the last part of the path, where that tells them apart.
    if len(places) == 1:
        return {places[0]: ""}
    ends = [Path(place).name for place in places]
    return dict(zip(places, ends if len(set(ends)) == len(ends) else places))


def _figures(place: Path, page: Path | None) -> dict[str, str]:
    # File name without suffix -> link from the page.
    here = page.parent if page else Path()
    found = sorted((place / "figures").glob("*.png"))
    return {path.stem: Path(os.path.relpath(path, here)).as_posix() for path in found}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"Cannot read {path}: {error.strerror}.") from None


def _write(path: Path | None, content: str) -> None:
    if path is None:
        click.echo(content, nl=False)
        return
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise ResultsError(
            f"Cannot write {path}: {error.strerror}; choose another place with -o."
        ) from None
    click.echo(path)
