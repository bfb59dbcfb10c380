"""Does autograd converge faster, per epoch and per second, than the same rule by hand?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from bench.standings import TOLERANCE
from bench.stats import Interval, median
from bench.units import digits, seconds
from bench.verdict.contest import AUTOGRAD, BY_HAND, TWINS, Contest
from bench.verdict.walks import Pair, pairs, why_none
from bench.verdict.words import Finding, Section, factor, known, listed, missing, name


def per_epoch(contests: Sequence[Contest]) -> Section:
    """Is an epoch of autograd worth more than the same epoch by hand?"""
    findings = _findings(contests, AUTOGRAD, BY_HAND, _walked)
    parted = [finding.clause for finding in known(findings) if finding.clause]
    if not known(findings):
        answer = f"not measured; {findings[0].sentence}"
    elif parted:
        answer = f"not comparable; {listed(parted)}."
    else:
        who = _each_once([*(f.subject for f in known(findings)), BY_HAND])
        where = _each_once(f.contest.title for f in known(findings))
        answer = (
            f"autograd converges exactly like the same rule by hand: {who} walk one path, number "
            f"by number, on {where}."
        )
    return Section("Per epoch", "Does autograd converge faster per epoch?", answer, findings)


def per_second(contests: Sequence[Contest]) -> Section:
    """What does autograd cost in time, beside another library and within its own?"""
    beside = _findings(contests, AUTOGRAD, BY_HAND, _timed)
    alone = _findings(contests, TWINS[:1], TWINS[1], _timed)
    if known(beside):
        answer = f"beside the same epoch of {name(BY_HAND)}, {_clauses(beside)}."
    else:
        answer = f"not measured; {beside[0].sentence}"
    if known(alone):
        answer += " Autograd alone: beside the same steps by hand in the same library, "
        answer += f"{name(TWINS[1])}, {_clauses(alone)}."
    else:
        answer += f" What autograd alone costs: not measured; {alone[0].sentence}"
    return Section("Per second", "Does it converge faster per second?", answer, [*beside, *alone])


def _each_once(names: Iterable[str]) -> str:
    return listed([*map(name, dict.fromkeys(names))])


def _clauses(findings: Sequence[Finding]) -> str:
    clauses: dict[str, list[str]] = {}
    for finding in known(findings):
        clauses.setdefault(finding.subject, []).append(finding.clause)
    return "; ".join(f"one of {name(who)} takes {listed(said)}" for who, said in clauses.items())


def _findings(
    contests: Sequence[Contest], autograd: Sequence[str], other: str, say: Callable[[Pair], Finding]
) -> list[Finding]:
    found: list[Finding] = []
    for contest in contests:
        said = [say(one) for one in pairs(contest, autograd, other)]
        found += said or [missing(contest, why_none(contest, autograd, other))]
    return found


def _walked(found: Pair) -> Finding:
    ours, theirs = (name(row.backend) for row in found.rows)
    figure = found.contest.figure("convergence")
    if not found.alike:
        parted = (
            f"{ours} and {theirs} were given one path and part: their J differs by up to "
            f"{digits(100 * found.gap, 2)}%"
        )
        sentence = f"**they part.** {parted}; `mfbench agree` says which of them is wrong{figure}."
        return Finding(found.contest, sentence, f"on {name(found.contest.title)} {parted}")
    return Finding(
        found.contest,
        f"**exactly alike.** From one start, in one order, with the same settings, {ours} and "
        f"{theirs} have the same J after every epoch, {found.epochs} in all: within "
        f"{found.gap:.0e} of it in every repeat, where {TOLERANCE:.0e} is allowed"
        f"{_met(found)}{figure}.",
        subject=found.autograd.backend,
    )


def _met(found: Pair) -> str:
    epochs, score = found.autograd.epochs_to_target, found.autograd.target.score
    return f". Both meet {score} after {digits(epochs)} epochs" if math.isfinite(epochs) else ""


def _timed(found: Pair) -> Finding:
    if not found.alike:
        return missing(found.contest, f"{name(found.other.backend)} leaves the path.")
    ours, theirs = (name(row.backend) for row in found.rows)
    ratio, times = (
        found.epoch_ratio,
        [seconds(median(found.steady(row).values())) for row in found.rows],
    )
    return Finding(
        found.contest,
        f"**{_word(ratio)}.** On one path, an epoch of {ours} takes {factor(ratio)} as long as one "
        f"of {theirs}: {' against '.join(times)}{found.left_out}{found.contest.figure('timing')}.",
        f"{factor(ratio)} as long on {name(found.contest.title)}",
        subject=found.autograd.backend,
    )


def _word(ratio: Interval) -> str:
    if math.isnan(ratio.low):
        return "too few repeats for a verdict"
    return "slower" if ratio.low > 1 else "faster" if ratio.high < 1 else "can't be told apart"
