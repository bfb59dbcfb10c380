"""`mfbench data`: which data sets there are, getting one, and what is in it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table

    from bench.problems import Facts

EPILOG = """\b
SPEC is a data set with options and a split, such as
    synthetic[size=m,noise=0.5]         ml-100k[official=u1]
    ml-1m[fold=2/5,split_seed=1]        ratings.csv[user=who,time=0.8]
"""


@click.group()
def data() -> None:
    """List, get and describe data sets."""


@data.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
def list_(as_json: bool) -> None:
    """Show the data sets, their options and the splits."""
    rows = list(_datasets())
    if as_json:
        click.echo(json.dumps(rows))
        return
    _show(_grid(("data set", "users", "items", "ratings", "official", "here"), rows))
    for title, lines in _options():
        _show(_notes(title, lines))


@data.command(epilog=EPILOG)
@click.argument("spec")
def get(spec: str) -> None:
    """Download or make SPEC, once, and print its folder of plain arrays."""
    from bench.problems import materialise

    click.echo(materialise(spec))


@data.command(epilog=EPILOG)
@click.argument("spec")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
def info(spec: str, as_json: bool) -> None:
    """Describe SPEC: sizes, scale, skew, and what a constant prediction scores."""
    from bench.problems import describe, load_problem

    facts = describe(load_problem(spec))
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(facts)))
        return
    _show(_notes(facts.name, _lines(facts)))


def _datasets() -> Iterator[dict[str, Any]]:
    from bench.problems.movielens_sets import DATASETS
    from bench.problems.synthetic import SIZES

    def row(name: str, size: tuple[int, int, int], official: tuple[str, ...], here: str) -> Any:
        sizes = dict(zip(("users", "items", "ratings"), size, strict=True))
        return {"data set": name, **sizes, "official": " ".join(official), "here": here}

    for size, counts in SIZES.items():
        yield row(f"synthetic[size={size}]", counts, (), "made")
    for name, dataset in DATASETS.items():
        here = "yes" if dataset.cached else "no"
        yield row(name, dataset.size, dataset.official, here)


def _options() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    from bench.problems import splits
    from bench.problems.ratings_file import RatingsFile
    from bench.problems.specs import text_of
    from bench.problems.synthetic import Synthetic

    titles = {
        Synthetic: "Options of synthetic",
        RatingsFile: "Options of your own file (CSV, TSV, ::, Parquet, NPZ)",
    }
    for source, title in titles.items():
        yield (
            title,
            [
                (f"{field.name}={text_of(field.default)}", _help(field.metadata))
                for field in dataclasses.fields(source)
                if "help" in field.metadata
            ],
        )
    yield "Splits of any of them", list(splits.HELP.items())


def _help(metadata: Mapping[str, Any]) -> str:
    choices = metadata.get("choices", ())
    return f"{metadata['help']}: {', '.join(choices)}" if choices else str(metadata["help"])


def _lines(facts: Facts) -> Iterator[tuple[str, str]]:
    yield "users x items", f"{facts.n_users:,} x {facts.n_items:,}"
    yield "ratings", f"{facts.n_train:,} training, {facts.n_test:,} test"
    yield "density", f"{facts.density:.3%}"
    yield (
        "scale",
        f"{facts.rating_min:g} to {facts.rating_max:g}, {facts.rating_values:,} different ratings",
    )
    yield "mean, standard deviation", f"{facts.mean:.4f}, {facts.std:.4f}"
    for name, counts in (("a user", facts.per_user), ("an item", facts.per_item)):
        yield f"ratings of {name}", "  ".join(f"{count:,.0f}" for count in counts)
    yield "", "least, lower quartile, median, upper quartile, most"
    yield "cold test ratings", f"{facts.cold_test_rows:,}, whose user or item is not in training"
    yield "test RMSE of the mean", f"{facts.mean_rmse:.4f}"
    if facts.noise_floor is not None:
        yield "test RMSE of the truth", f"{facts.noise_floor:.4f}, the noise floor"
    yield "sha256", facts.sha256


def _grid(headings: tuple[str, ...], rows: list[dict[str, Any]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        is_number = isinstance(rows[0][heading], int)
        grid.add_column(heading, justify="right" if is_number else "left")
    for row in rows:
        grid.add_row(*(Text(f"{v:,}" if isinstance(v, int) else v) for v in row.values()))
    return grid


def _notes(title: str, lines: Any) -> Table:
    from rich.table import Table
    from rich.text import Text

    notes = Table(
        title=title, title_justify="left", title_style="bold", show_header=False, box=None
    )
    for name, text in lines:
        notes.add_row(Text(name), Text(text, overflow="fold"))
    return notes


def _show(table: Table) -> None:
    from rich.console import Console

    Console(highlight=False).print(table, "")
