"""The stages of a tuning: the model, then each backend's walk, then its best trials once more.

Stored trials are gone through first as if they were run now, so a tuning that was cut off goes on
where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from bench.records import Point, ResultsError
from bench.specs import BackendSpec, SpecError, hyper_of
from bench.target import SLACK, Target, best_point, crossing
from bench.tune import trials as kept
from bench.tune.child import Child, Outcome
from bench.tune.plan import EPOCHS, FINALISTS, REPEATS, SOLVER, SOLVER_S, SWEEPS, Plan
from bench.tune.search import Search, of_model, of_walk
from bench.tune.space import Settings
from bench.tune.trials import Trial
from bench.tune.validation import training
from mfimpls import registry
from mfimpls.contract import Backend, Hyper

Entrant = tuple[BackendSpec, Backend]
MODEL, SEARCH, AGAIN, LOSS = "model", "search", "again", "loss"


class Listener(Protocol):
    """Who follows a tuning: a terminal, or a test."""

    def begin(self, stage: str, backend: str, number: int, of: int) -> None: ...
    def hear(self, point: Point) -> None: ...
    def end(self, trial: Trial) -> None: ...


class Campaign:
    """One data set's tuning. `run` returns its trials; what is stored is not run again."""

    def __init__(self, plan: Plan, listener: Listener) -> None:
        self.plan, self.listener = plan, listener
        self.stored = {key(trial): trial for trial in kept.load(plan.directory)}
        self.trials: list[Trial] = []

    def run(self) -> list[Trial]:
        """Every stage. Raises ResultsError where no trial of the model ends with a score."""
        solver = registry.declared(SOLVER)
        with self._child(BackendSpec(SOLVER)) as child:
            for settings in self._searched(of_model(self.plan.seed), MODEL, self.plan.trials):
                self._try(child, MODEL, (BackendSpec(SOLVER), solver), settings)
        for entrant in self.plan.entrants:
            with self._child(entrant[0]) as child:
                self._walk(child, entrant)
        with self._child(BackendSpec(SOLVER), whole=True) as child:
            self._try(child, LOSS, (BackendSpec(SOLVER), solver), self.model)
        return self.trials

    @property
    def model(self) -> Settings:
        """The best settings of the model stage."""
        return dict(best_model(self.trials).settings)

    @property
    def target(self) -> float:
        """The validation RMSE that every walk is timed to."""
        return target_of(self.trials)

    def _walk(self, child: Child, entrant: Entrant) -> None:
        spec, backend = entrant
        search = of_walk(backend.caps, self.plan.seed)
        for settings in self._searched(search, spec.label, self.plan.searched(backend)):
            self._try(child, SEARCH, entrant, settings)
        for settings in finalists(self.trials, spec.label, self.target) * REPEATS:
            self._try(child, AGAIN, entrant, settings)

    def _searched(self, search: Search, label: str, count: int) -> Iterator[Settings]:
        # Ask, let the caller try, tell.
        for _ in range(count):
            yield search.ask()
            trial = self.trials[-1]
            search.tell(trial.score(1.0 if label == MODEL else self.target))

    def _try(self, child: Child, stage: str, entrant: Entrant, settings: Settings) -> None:
        spec, backend = entrant
        label, is_walk = spec.label, stage in (SEARCH, AGAIN)
        wanted = Trial(
            stage=stage,
            backend=label,
            number=sum(t.stage == stage and t.backend == label for t in self.trials),
            settings=settings,
            state="",
            target=self.target if is_walk else None,
            code_sha256=registry.code_sha256(spec.name),
        )
        trial = self._from_store(wanted)
        if trial is None:
            of = self.plan.trials if stage == MODEL else self.plan.searched(backend)
            self.listener.begin(stage, label, wanted.number, of)
            trial = self._now(child, entrant, wanted)
            kept.append(self.plan.directory, trial)
            self.listener.end(trial)
        self.trials.append(trial)

    def _from_store(self, wanted: Trial) -> Trial | None:
        # A stored trial stands for the same settings, source and target alone.
        found = self.stored.get(key(wanted))
        same = ("settings", "code_sha256", "target")
        if found and all(getattr(found, name) == getattr(wanted, name) for name in same):
            return found
        return None

    def _now(self, child: Child, entrant: Entrant, wanted: Trial) -> Trial:
        is_walk = wanted.target is not None
        settings = dict(wanted.settings)
        try:
            hyper = self._hyper(entrant, self.model | settings if is_walk else settings)
        except SpecError as error:  # of an option that the user set and these settings exclude
            return replace(wanted, state="unsupported", reason=str(error))
        limits = (EPOCHS, self.plan.budget_s) if is_walk else (SWEEPS, SOLVER_S)
        found = child.run(asdict(hyper), *limits, wanted.target, self.listener.hear)
        env = child.env if wanted.number == 0 else {}
        return replace(judged(wanted, found), env=env)

    def _hyper(self, entrant: Entrant, settings: Settings) -> Hyper:
        base: dict[str, Any] = {"rank": self.plan.rank, "seed": self.plan.seed}
        if Hyper().dtype not in (able := entrant[1].caps.dtypes):
            base["dtype"] = able[0]
        return hyper_of(*entrant, {}, base | settings)

    def _child(self, spec: BackendSpec, whole: bool = False) -> Child:
        plan = self.plan
        problem = training(plan.dataset) if whole else plan.problem
        log = plan.directory / "logs" / f"{spec.name.replace('/', '-')}.log"
        return Child(spec.name, problem, plan.threads, plan.command, log)


def key(trial: Trial) -> tuple[str, str, int]:
    """Which trial of a tuning it is."""
    return trial.stage, trial.backend, trial.number


def judged(trial: Trial, found: Outcome) -> Trial:
    """A trial with what came of it: a walk by its crossing of the target, the model by its end."""
    target = trial.target
    last = found.points[-1] if found.points else None
    best = best_point(found.points, "test_rmse")
    done: dict[str, Any] = {"state": found.status, "reason": found.reason}
    if last is not None:
        done |= {"trained_s": last.train_s, "trained_epochs": last.epoch}
    if found.status in ("ok", "budget"):
        if target is None and last is not None:
            score = last.test_rmse if best else last.J
            return replace(trial, **done | {"state": "scored", "rmse": score})
        done["state"] = "missed"
    if best is not None and target is not None:
        done["rmse"] = best.test_rmse
        if met := crossing(found.points, Target("test_rmse", target, "")):
            done |= {"state": "hit", "reason": "", "seconds": met.seconds, "epochs": met.epochs}
    return replace(trial, **done)


def finalists(trials: Sequence[Trial], label: str, target: float) -> list[Settings]:
    """The settings of a backend's fastest hits, each once, fastest first."""
    hits = [t for t in trials if (t.stage, t.backend, t.state) == (SEARCH, label, "hit")]
    found: list[Settings] = []
    for trial in sorted(hits, key=lambda t: t.score(target)):
        if dict(trial.settings) not in found:
            found.append(dict(trial.settings))
    return found[:FINALISTS]


def best_model(trials: Sequence[Trial]) -> Trial:
    """The trial whose settings define J for every walk. Raises ResultsError where none ended."""
    scored = [t for t in trials if t.stage == MODEL and t.state == "scored"]
    if not scored:
        why = trials[-1].reason if trials else "no trial was run"
        raise ResultsError(f"No trial of the model ended with a score: {why}.")
    return min(scored, key=lambda t: t.score(1.0))


def target_of(trials: Sequence[Trial]) -> float:
    """What the walks of these trials are timed to: 1.01 x the best model's validation RMSE."""
    best = best_model(trials).rmse
    assert best is not None
    return SLACK * best
