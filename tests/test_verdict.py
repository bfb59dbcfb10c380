"""The verdict says what records show, with its interval, and leaves open what they don't."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import fake_records as fake
import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.records import ResultsError, append
from bench.verdict import contests, page, put, short
from bench.verdict.code import code
from bench.verdict.custom import als, custom
from bench.verdict.gpu import gpu
from bench.verdict.same_rule import per_epoch, per_second
from bench.verdict.short import BEGIN, END

ROOT = Path(__file__).parents[1]
NAME = "ml-100k[official=u1]"
SECONDS = {0: 2.0, 1: 2.1, 2: 1.9}
LINES = {"total": 90, "biases": 7, "optimizer": 27, "dropout": 8}
CAPABILITIES = {
    "biases": ["biases"], "optimizer": ["sgd", "adagrad"], "dropout": ["dropout"],
    "order": ["shuffle"], "device": ["cpu", "cuda"],
}  # fmt: skip


def ran(backend, factor=1.0, path="sgd", repeats=3, **changes):
    """One backend's repeats: 0.9 is met after 5 of 10 epochs, in about `factor` seconds."""
    seconds = {k: factor * SECONDS[k] for k in range(repeats)}
    return fake.timed(backend, seconds, path=path, **changes)


def aimed(records, value=0.9):
    target = {"metric": "test_rmse", "value": value, "origin": "as told"}
    return [replace(r, problem=dict(r.problem) | {"target": target}) for r in records]


def said(question, *groups, value=0.9):
    """Answer and evidence of one question."""
    found = question(contests(aimed([r for group in groups for r in group], value), {}))
    return found.answer, "\n".join(found.evidence)


def off(records, factor):
    """The same records, their J multiplied from epoch 3 on."""
    return [
        replace(
            r, points=tuple(replace(p, J=p.J * (factor if p.epoch > 2 else 1)) for p in r.points)
        )
        for r in records
    ]


def test_autograd_and_the_same_rule_by_hand_are_alike_per_epoch_where_their_losses_are():
    answer, evidence = said(per_epoch, ran("torch_sgd", 2), off(ran("numpy_sgd"), 1 + 1e-6))
    assert answer.startswith("autograd converges exactly like the same rule by hand")
    assert "the same J after every epoch, 10 in all: within 1e-06 of it" in evidence
    assert "Both meet test RMSE 0.9000 after 5.00 epochs" in evidence


def test_every_form_of_autograd_is_set_beside_the_rule_by_hand():
    forms = ran("torch_embedding_sgd", 4), ran("torch_sgd", 2), ran("numpy_sgd")
    assert "`torch_sgd`, `torch_embedding_sgd` and `numpy_sgd` walk" in said(per_epoch, *forms)[0]
    answer, _ = said(per_second, *forms)
    assert "one of `torch_embedding_sgd` takes 4.00 times" in answer
    assert "one of `torch_sgd` takes 2.00 times" in answer


def test_a_run_that_could_not_answer_is_silent_where_another_has_answered():
    pair, peers = ran("torch_sgd", 2) + ran("numpy_sgd"), ran("numba_sgd")
    runs = {"first": pair, "peers": peers}
    found = [c for run, records in runs.items() for c in contests(aimed(records), {}, run)]
    assert not [line for line in per_epoch(found).evidence if "Not measured" in line]
    alone = contests(aimed(peers), {}, "peers")
    assert "there is no record of autograd" in per_epoch(alone).evidence[0]


def test_two_labels_with_the_same_settings_are_one_program():
    twice = ran("numpy_sgd"), ran("numpy_sgd[as=torch_sgd]", 1.1)
    answer, evidence = said(per_second, ran("torch_sgd", 2), *twice)
    assert evidence.count("On one path") == 1
    assert "takes 2.00 times" in answer


def test_the_blogs_form_is_on_embeddings_where_that_ran():
    forms = ran("torch_embedding_sgd", 8), ran("torch_sgd", 4)
    answer, _ = said(custom, *forms, ran("numba_sgd"))
    assert (
        "4.00 times (the same in every repeat) sooner than the fastest autograd (`torch_sgd`)"
        in (answer)
    )
    assert answer.endswith("sooner than `torch_embedding_sgd`.")


def test_losses_that_part_are_no_comparison():
    groups = ran("torch_sgd", 2), off(ran("numpy_sgd"), 1.02)
    answer, evidence = said(per_epoch, *groups)
    assert "not comparable; on `ml-100k[official=u1]` `torch_sgd` and `numpy_sgd`" in answer
    assert "their J differs by up to 2.0%" in evidence
    assert said(per_second, *groups)[0].startswith("not measured; `numpy_sgd` leaves")


@pytest.mark.parametrize(
    "changes",
    [
        {"init_sha256": "2" * 64},
        {"order_sha256": "2" * 64},
        {"order_sha256": ""},
    ],
    ids=["another start", "another order", "an unknown order"],
)
def test_two_paths_are_not_compared(changes):
    answer, _ = said(per_epoch, ran("torch_sgd"), ran("numpy_sgd", **changes))
    assert answer == (
        "not measured; autograd and `numpy_sgd` had no start, order and settings in common to walk "
        "one path."
    )


def test_what_did_not_run_is_not_measured():
    for question in (per_epoch, per_second):
        answer, evidence = said(question, ran("torch_sgd"))
        assert "not measured; there is no record of `numpy_sgd`." in answer
        assert f"- Not measured on `{NAME}, 2 threads`: there is no record of" in evidence


def test_a_flagged_run_counts_for_nothing_and_the_reason_is_given():
    flagged = ran("numpy_sgd", flags=("no better than the mean",))
    assert (
        "`numpy_sgd` flagged: no better than the mean."
        in said(per_epoch, ran("torch_sgd"), flagged)[0]
    )


def test_per_second_is_a_paired_ratio_of_epochs_with_its_interval():
    other = fake.timed("numpy_sgd", {0: 1.0, 1: 1.0, 2: 1.0}, path="sgd")
    answer, evidence = said(per_second, ran("torch_sgd"), other)
    found = re.search(r"takes (\S+) times \(95%: (\S+) to (\S+)\) as long", answer)
    mid, low, high = map(float, found.groups())
    assert 1 < low < mid < high
    assert mid == pytest.approx(2.0, abs=0.01)
    assert "**slower.** On one path" in evidence
    assert "200 ms against 100 ms" in evidence


def test_what_autograd_alone_costs_is_asked_of_the_same_library():
    groups = ran("torch_sgd", 3), ran("numpy_sgd")
    assert (
        "What autograd alone costs: not measured; there is no record"
        in said(per_second, *groups)[0]
    )
    answer, _ = said(per_second, *groups, ran("torch_manual_sgd", 2))
    assert "Autograd alone: beside the same steps by hand in the same library" in answer
    assert "takes 1.50 times (the same in every repeat) as long" in answer


def test_one_repeat_has_a_ratio_and_no_verdict():
    answer, evidence = said(per_second, ran("torch_sgd", 3, repeats=1), ran("numpy_sgd", repeats=1))
    assert "takes 3.00 times (too few repeats for an interval) as long" in answer
    assert "**too few repeats for a verdict.**" in evidence


def test_a_repeat_that_came_no_further_than_its_first_epoch_has_no_steady_one():
    slow, *rest = ran("torch_sgd", 2)
    slow = replace(slow, points=slow.points[:2])
    _, evidence = said(per_second, [slow, *rest], ran("numpy_sgd"))
    assert "in the 2 of 3 repeats with a second epoch" in evidence
    short_lived = [replace(r, points=r.points[:2]) for r in ran("torch_sgd", 2)]
    _, evidence = said(per_second, short_lived, ran("numpy_sgd"))
    assert ", the first epoch of `torch_sgd`, which had time for no other" in evidence


def test_custom_code_and_als_are_set_beside_the_fastest_autograd_and_the_blogs():
    groups = (
        ran("torch_sgd", 8), ran("jax_sgd", 4), ran("numpy_sgd", 2), ran("numba_sgd", 1),
        ran("numba_als", 0.5, "als"), ran("numpy_als", 5, "als"),
    )  # fmt: skip
    assert said(custom, *groups)[0] == (
        f"the fastest SGD by hand to the target: on `{NAME}` `numba_sgd`, 4.00 times (the same "
        "in every repeat) sooner than the fastest autograd (`jax_sgd`) and 8.00 times "
        "(the same in every repeat) sooner than `torch_sgd`."
    )
    assert "`numba_als` meets test RMSE 0.9000 in 500 ms: 8.00 times" in said(als, *groups)[1]


def test_who_never_met_the_target_is_beaten_by_at_least_its_time():
    late = [replace(r, points=r.points[:4]) for r in ran("torch_sgd", 100)]
    answer, _ = said(custom, late, ran("numba_sgd"))
    assert "more than 60 times sooner than `torch_sgd` (which never met it)" in answer
    stopped = [replace(r, points=r.points[:4]) for r in ran("torch_sgd", 0.1)]
    assert "sooner" not in said(custom, stopped, ran("numba_sgd"))[0]


def test_custom_code_that_is_slower_is_said_to_be():
    answer, _ = said(als, ran("torch_sgd"), ran("numpy_als", 2, "als"))
    assert "2.00 times (the same in every repeat) later than `torch_sgd`" in answer


def on_gpu(records):
    hyper = fake.HYPER | {"device": "cuda"}
    return [replace(r, case=replace(r.case, hyper=hyper)) for r in records]


def sized(records, dataset, n_train):
    return [
        replace(
            r,
            case=replace(r.case, dataset=dataset),
            problem=dict(r.problem) | {"n_train": n_train, "sha256": dataset},
        )
        for r in records
    ]


def test_without_a_gpu_nothing_is_said_about_one():
    assert said(gpu, ran("torch_sgd")) == (
        "not measured; no record ran on one.", "",
    )  # fmt: skip


def test_the_gpu_overtakes_where_it_is_ahead_beyond_doubt():
    small = ran("numba_sgd"), on_gpu(ran("torch_sgd@cuda", 2)), ran("torch_sgd", 9)
    large = ran("numba_sgd"), on_gpu(fake.timed("torch_sgd@cuda", {0: 1, 1: 0.9, 2: 1.1}))
    answer, evidence = said(
        gpu,
        *(sized(group, "synthetic[size=s]", 90_000) for group in small),
        *(sized(group, "synthetic[size=m]", 900_000) for group in large),
    )
    assert answer == (
        "it overtakes the fastest CPU backend at 900,000, of 90,000 and 900,000 training "
        "ratings measured."
    )
    assert "2.00 times (the same in every repeat) later than `numba_sgd` and 4.50 times" in evidence
    assert "From a cold start: " in evidence


def test_a_gpu_that_is_nowhere_ahead_overtakes_nowhere():
    answer, _ = said(gpu, ran("numba_sgd"), on_gpu(ran("torch_sgd@cuda", 2)))
    assert answer == (
        "it overtakes the fastest CPU backend nowhere, of 80,000 training ratings measured."
    )


def test_lines_are_counted_per_capability_that_a_backend_declares():
    bare = {"biases": [], "optimizer": ["sgd"], "dropout": [], "order": ["shuffle"],
            "device": ["cpu"]}  # fmt: skip
    found = code(
        contests(
            ran("torch_sgd", lines=LINES, capabilities=CAPABILITIES)
            + ran("numpy_sgd", lines={"total": 60}, capabilities=bare),
            {},
        )
    )
    assert "`torch_sgd` is 90 lines long, 30 more than `numpy_sgd` (60)" in found.answer
    assert "lines per capability 13 (it declares 7) against 20 (it declares 3)" in found.answer
    assert "| `torch_sgd` | 90 | yes, 7 lines | 2, 27 lines | yes, 8 lines | 1 | 2 | 7 | 13 |" in (
        found.table
    )
    assert "| `numpy_sgd` | 60 | none | 1 | none | 1 | 1 | 3 | 20 |" in found.table


def test_older_records_do_not_say_what_a_backend_can_do():
    found = code(contests(ran("torch_sgd", lines=LINES) + ran("numpy_sgd", lines=LINES), {}))
    assert "as long as `numpy_sgd` (90), what each can do not recorded" in found.answer
    assert "not compared" in code(contests(ran("numpy_sgd", lines=LINES), {})).answer


def test_a_sentence_links_its_figure_where_there_is_one():
    figures = {
        "convergence-ml-100k-official-u1-2-threads": "figures/c.png",
        "convergence-synthetic-size-m-2-threads": "figures/other.png",
    }
    (contest,) = contests(ran("torch_sgd") + ran("numpy_sgd"), figures)
    assert contest.figures == {"convergence": "figures/c.png"}
    assert "([figure](figures/c.png))." in "\n".join(per_epoch([contest]).evidence)


def whole(runs):
    several = len(runs) > 1
    found = [c for run, rs in runs.items() for c in contests(rs, {}, run if several else "")]
    return page(found, runs, "mfbench verdict")


def test_the_page_says_where_its_numbers_come_from():
    failed = fake.record("numpy_als", status="error", reason="killed", points=())
    judged = ran("torch_sgd", gate={"agrees": True, "families": []})
    text = whole({"results/here": [*judged, failed]})
    for part in (fake.ENV.machine, fake.ENV.commit, fake.ENV.command, "2025-01-01"):
        assert part in text
    assert "| Records | 4, 1 failed, 0 flagged |" in text
    assert "1 of 2 backends judged" in text
    assert "not judged: `numpy_als`" in text


def test_the_ranking_says_how_near_an_epoch_comes_to_the_machines_limit():
    rate = {"ratings_hz": 1e6, "bytes_hz": 2e9, "flops_hz": 3e9, "of_limit": 0.25,
            "bound": "memory"}  # fmt: skip
    text = whole({"here": ran("numba_sgd", rate=rate) + ran("numpy_sgd", 2)})
    assert "| 400 k | 25%, memory | - |" in text
    assert "| 200 k | - | - |" in text


def test_runs_are_compared_within_themselves_and_named():
    text = whole({"ours": ran("torch_sgd"), "theirs": ran("numpy_sgd", lines=LINES)})
    assert "**Per epoch**: not measured; there is no record of `numpy_sgd`." in text
    assert "`theirs" not in text.partition("## Does it")[0].partition("## In short")[2]
    assert f"### `{NAME}, 2 threads (ours)`" in text
    assert f"### `{NAME}, 2 threads (theirs)`" in text


def test_an_answer_comes_from_the_first_run_that_has_one():
    there = fake.changed(ran("numba_sgd", 4) + on_gpu(ran("torch_sgd@cuda")), dataset="synthetic")
    text = whole({"ours": ran("torch_sgd") + ran("numpy_sgd"), "gpu": there})
    short_answers = text.partition("## Does it")[0].partition("## In short")[2]
    assert f"walk one path, number by number, on `{NAME} (ours)`." in short_answers
    assert "**GPU**: it overtakes the fastest CPU backend at 80,000" in short_answers


def test_a_page_of_failures_alone_is_still_a_page():
    text = whole({"here": [fake.record("torch_sgd", status="error", reason="killed", points=())]})
    assert "**Per epoch**: not measured; `torch_sgd` failed: killed." in text
    assert "there is no sound record of autograd." in text


def test_the_short_form_shows_the_most_threads_of_each_data_set():
    one = fake.changed(ran("torch_sgd", 2) + ran("numpy_sgd"), threads=1)
    found = short(contests(aimed(one + ran("torch_sgd", 4) + ran("numpy_sgd")), {}))
    assert found.startswith("One such run, 2 threads, on ")
    assert "| `torch_sgd` | 4.00 s in 5.00 epochs | 4.00 |" in found
    assert "1 thread" not in found


def test_the_short_form_is_put_between_its_marks_and_nowhere_else():
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert put("new", text, "it") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(ResultsError, match=r"README\.md has no place for the verdict"):
        put("new", "no marks", "README.md")


def mfbench(*arguments):
    return CliRunner().invoke(main, ["verdict", *map(str, arguments)], prog_name="mfbench")


def test_the_command_writes_page_and_short_form_or_neither(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for record in ran("torch_sgd", 2) + ran("numpy_sgd"):
        append(tmp_path / "run", record)
    readme = tmp_path / "R.md"
    readme.write_text("no marks")
    refused = mfbench("run", "-o", "page.md", "--readme", "R.md")
    assert refused.exit_code == 2
    assert "has no place for the verdict" in refused.output
    assert not Path("page.md").exists()
    readme.write_text(f"{BEGIN}\n{END}\n")
    assert mfbench("run", "-o", "page.md", "--readme", "R.md").exit_code == 0
    assert "`mfbench verdict run -o page.md --readme R.md`" in Path("page.md").read_text()
    assert "exactly like the same rule" in readme.read_text()


def test_a_directory_without_results_is_one_sentence(tmp_path):
    result = mfbench(tmp_path / "none")
    assert result.exit_code == 2
    assert "holds no results; mfbench run -o" in result.output


def test_the_committed_pages_are_what_the_committed_records_say(monkeypatch):
    """Written by hand, or stale after a new run, they would differ; the command mends that."""
    monkeypatch.chdir(ROOT)
    committed = (ROOT / "results/README.md").read_text()
    command = re.search(r"written by `mfbench (verdict [^`]+)`", committed)[1]
    places = shlex.split(command)[1:]
    places = places[: places.index("-o")]
    monkeypatch.setattr("bench.commands.verdict._write", lambda path, text: written.append(text))
    written = []
    assert mfbench(*places, "-o", "results/README.md", "--readme", "README.md").exit_code == 0
    assert written == [committed, (ROOT / "README.md").read_text()]


@pytest.mark.parametrize("name", ["README.md", "results/README.md"])
def test_figures_of_the_committed_pages_exist(name):
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text())
    assert links
    assert not [link for link in links if not (ROOT / name).parent.joinpath(link).exists()]
