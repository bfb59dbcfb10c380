"""The report: one HTML file that opens from disk, with no network, for years."""

from __future__ import annotations

import base64
import gzip
import lzma
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import leaderboard
from bench.records import Record, ResultsError, to_json

HERE = Path(__file__).parent


def write(
    records: Iterable[Record], path: Path, target: float | None = None, baseline: str | None = None
) -> Path:
    """Write the report of all records to `path` and return it. `target` and `baseline` are those of
    leaderboard.rows. Raises ResultsError where records can't be compared or `path` can't be
    written.
    """
    page = render(list(records), target, baseline)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ResultsError(
            f"Cannot write {path}: {error.strerror}; choose another place with -o."
        ) from None
    return path


def render(records: list[Record], target: float | None = None, baseline: str | None = None) -> str:
    """The page as text: the same records give the same page."""
    import jinja2
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    kept = leaderboard.latest(records)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = {name: Markup((HERE / name).read_text("utf-8")) for name in ("style.css", "script.js")}
    return environment.get_template("page.html").render(
        style=own["style.css"],
        script=own["script.js"],
        # Compressed: Plotly alone is 5 MB. The page unpacks gzip; xz is for the reader to keep, and
        # finds what repeats have in common.
        plotly=_letters(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)),
        raw=_letters(lzma.compress("".join(to_json(r) + "\n" for r in records).encode())),
        **_content(kept, target, baseline),
    )


def _letters(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _content(records: list[Record], target: float | None, baseline: str | None) -> dict[str, Any]:
    from bench.palette import SHADES, styles
    from bench.report import answers, chart, code, overtaking, provenance, ranking, sections

    rows = leaderboard.rows(records, target, baseline)
    style = styles(record.case.backend for record in records)
    groups = leaderboard.by_backend(records)
    return {
        "answers": answers.answers(rows),
        "rankings": [
            (ranking.ranking(found), ranking.speed(found)) for found in sections.by_dataset(rows)
        ],
        "ledgers": [
            (sections.ledger(found), overtaking.table(found)) for found in sections.by_dataset(rows)
        ],
        "code": code.table(records),
        "agreement": sections.agreement(records),
        "families": sections.families(records),
        "notes": sections.notes(records),
        "failures": sections.failures(records),
        "settings": provenance.settings(records),
        "data": provenance.data(records),
        "machines": provenance.machines(records),
        "commands": provenance.commands(records),
        "chart": chart.data(rows, groups, style),
        "styles": style,
        "shades": SHADES,
        "count": len(records),
    }
