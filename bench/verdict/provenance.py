"""Where the verdict's numbers come from: machines, commits, commands, and the gate's word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.records import Record
from bench.report.provenance import commands, machines
from bench.verdict.words import listed, name, table

KEPT = (
    "Each directory is one run, kept as it came: `records.jsonl` (every case, with machine, "
    "versions, hashes and settings), `targets.json`, `agreement.json` (what the gate said of these "
    "sources), the machine's limits where they were measured, and the figures. `mfbench report "
    "DIRECTORY -o ELSEWHERE` draws them again and writes the HTML report, with no backend or data "
    "set at hand."
)


def provenance(runs: Mapping[str, Sequence[Record]]) -> list[str]:
    """Markdown, run by run."""
    parts = [part for run, records in runs.items() for part in _run(run, records)]
    return ["## Where the numbers come from", KEPT, *parts]


def _run(run: str, records: Sequence[Record]) -> list[str]:
    facts = [(key, text) for found in machines(records) for key, text in found.items()]
    days = sorted({record.started[:10] for record in records if record.started})
    facts += [("Day", " to ".join(dict.fromkeys([days[0], days[-1]])))] if days else []
    facts += [("Command", name(command)) for command in commands(records)]
    facts += [("Records", f"{len(records)}, {_ended(records)}"), ("Agreement", _gate(records))]
    return [f"### `{run}`", table(("", ""), facts, words=2)]


def _ended(records: Sequence[Record]) -> str:
    failed = [r for r in records if not r.succeeded]
    flagged = [r for r in records if r.succeeded and r.flags]
    return f"{len(failed)} failed, {len(flagged)} flagged"


def _gate(records: Sequence[Record]) -> str:
    # As far as `mfbench agree` judged the very sources that ran.
    gates = {record.case.backend: record.gate for record in records}
    wrong = [name(label) for label, gate in gates.items() if gate and not gate["agrees"]]
    unjudged = [name(label) for label, gate in gates.items() if not gate]
    judged = len(gates) - len(unjudged)
    said = [f"{judged} of {len(gates)} backends judged by `mfbench agree` as they ran"]
    said += [f"{listed(wrong)} disagree"] if wrong else ["all of them agree"] if judged else []
    said += [f"not judged: {listed(unjudged)}"] if unjudged and judged else []
    return "; ".join(said)
