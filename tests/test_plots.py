"""Figures: readable with two backends or twenty, the same bytes from the same records."""

import itertools
from dataclasses import replace
from pathlib import Path

import fake_records as fake
import numpy as np
import pytest
from matplotlib.text import Text

from bench import curves, palette
from bench.palette import styles
from bench.plots import figures, labels, look, save_all
from bench.plots.ticks import log_ticks, seconds_tick
from bench.records import ResultsError

# Severity 1 of Machado et al. 2009, doi:10.1109/TVCG.2009.113, on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def linear(colors):
    srgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colors])
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.cbrt(np.clip(rgb, 0, 1) @ np.transpose(to_lms)) @ np.transpose(to_lab)


def contrast(colors, background):
    lighter, darker = (linear(c) @ [0.2126, 0.7152, 0.0722] + 0.05 for c in (colors, [background]))
    return np.maximum(lighter / darker, darker / lighter)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("colors", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_colours_stay_apart_for_every_kind_of_colour_vision(colors, deficiency) -> None:
    seen = oklab(np.clip(linear(colors) @ np.transpose(DEFICIENCIES[deficiency]), 0, 1))
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 0.08


def test_colours_stand_out_from_their_background() -> None:
    assert contrast(palette.LIGHT, "#ffffff").min() >= 3
    assert contrast(palette.DARK, "#14171a").min() >= 3


def test_bundled_backends_keep_their_style_whoever_else_is_there() -> None:
    few, many = styles(["numba_sgd"]), styles([*fake.FIVE, *fake.MORE])
    assert all(few[name] == many[name] for name in palette.BUNDLED)
    assert len({(s.color, s.marker) for s in many.values()}) == len(many)


def test_labels_do_not_overlap_and_move_as_little_as_needed() -> None:
    wanted, heights = [0.5, 0.52, 0.51, 2.0], [0.2, 0.2, 0.4, 0.2]
    centres = labels.spread(wanted, heights, 0, 3)
    below, above = centres - np.divide(heights, 2), centres + np.divide(heights, 2)
    order = np.argsort(centres)
    assert (below[order][1:] >= above[order][:-1] - 1e-12).all()
    assert list(order) == [0, 2, 1, 3]
    assert centres[3] == pytest.approx(2.0)
    assert centres[:3].mean() == pytest.approx(0.51, abs=0.05)


def test_labels_stay_inside_while_they_fit() -> None:
    centres = labels.spread([0.0] * 5, [0.2] * 5, 0, 1)
    assert centres.min() == pytest.approx(0.1)
    assert centres.max() == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (9.8, 33, 3, [10, 20]),
        (0.02, 700, 8, [0.1, 1, 10, 100]),
        (0.002, 20_000, 4, [0.01, 1, 100, 10_000]),
        (1.6, 3.4, 4, [2, 3]),
    ],
)
def test_logarithmic_ticks_are_round_and_few(low, high, most, ticks) -> None:
    assert log_ticks(low, high, most) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (5e-5, "50 µs"),
        (0.0025, "2.5 ms"),
        (0.25, "250 ms"),
        (1, "1 s"),
        (1e4, "10,000 s"),
    ],
)
def test_ticks_are_exact(value, text) -> None:
    assert seconds_tick(value) == text


def test_a_curve_is_the_median_of_the_repeats_between_fastest_and_slowest() -> None:
    curve = curves.against_seconds(fake.timed("a", {0: 1.0, 1: 2.0, 2: 4.0}), "test_rmse")
    ends = [(x[-1], y[-1]) for x, y in ((curve.x, curve.y), curve.low, curve.high)]
    assert ends == [(2.0, 0.8), (1.0, 0.8), (4.0, 0.8)]


def test_equal_repeats_have_no_band() -> None:
    curve = curves.against_epochs(fake.timed("a", {0: 1.0, 1: 2.0}), "J")
    assert len(curve.band[0]) == 0


def test_a_curve_has_the_epochs_that_half_of_the_repeats_have() -> None:
    first, second, third = fake.timed("a", {0: 1.0, 1: 2.0, 2: 3.0})
    repeats = [first, replace(second, points=second.points[:4]), replace(third, points=())]
    assert list(curves.against_epochs(repeats, "J").x) == [0, 1, 2, 3]


def test_the_view_keeps_a_bad_end_and_lets_an_explosion_go() -> None:
    good, flat = (curves.against_epochs([r], "test_rmse") for r in (
        fake.record(), fake.record(points=fake.points(0.1, floor=1.145))))  # fmt: skip
    wild = replace(good, y=good.y + 100.0)
    low, high = curves.limits([good, good, flat, wild])
    assert low < good.y.min()
    assert flat.y[-1] < high < 2


@pytest.mark.parametrize(
    "records",
    [
        fake.suite(1, ("ml-100k",)),
        fake.suite(2, ("/home/me/" + "long/" * 25 + "ratings.csv",)),
        fake.suite(20, ("ml-100k",)),
    ],
    ids=["one", "two", "twenty"],
)
def test_no_text_overlaps_another_or_leaves_the_figure(records) -> None:
    with look.applied():
        assert_legible(figures(records))


@pytest.mark.parametrize("n", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_figures_over_several_runs_are_legible_too(n: int) -> None:
    with look.applied():
        drawn = figures(grown(n))
        over_all = {k: f for k, f in drawn.items() if k.startswith(("scaling", "profile", "agree"))}
        assert len(over_all) == 5
        assert_legible(over_all)


def assert_legible(drawn) -> None:
    for name, figure in drawn.items():
        boxes = text_boxes(figure)
        width, height = figure.bbox.size
        for label, box in boxes:
            assert box.x0 >= 0, (name, label)
            assert box.x1 <= width, (name, label)
            assert box.y0 >= 0, (name, label)
            assert box.y1 <= height, (name, label)
        for (one, a), (other, b) in itertools.combinations(boxes, 2):
            assert not a.padded(-1).overlaps(b.padded(-1)), (name, one, other)


def text_boxes(figure):
    # Every text that is drawn: ticks outside the view are not.
    figure.canvas.draw()
    texts = figure.findobj(Text)
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low <= tick.get_loc() <= high:
                texts = [t for t in texts if t not in (tick.label1, tick.label2)]
    return [
        (t.get_text(), t.get_window_extent()) for t in texts if t.get_visible() and t.get_text()
    ]


def grown(n: int):
    """A suite at two ranks, two numbers of threads and two numbers of ratings."""
    small = fake.suite(n)
    large = [
        replace(r, problem={**r.problem, "n_train": 9_000_000, "sha256": "m"})
        for r in fake.changed(small, slower=12, dataset="ml-100k[official=u2]")
    ]
    low_rank = fake.changed(small, slower=0.6, rank=8)
    return [*low_rank, *small, *fake.changed(small, slower=1.8, threads=1), *large]


def test_every_panel_holds_something() -> None:
    with look.applied():
        for figure in figures(fake.suite(20)).values():
            assert all(axes.lines or axes.patches for axes in figure.axes)


def test_a_data_set_without_test_ratings_has_no_empty_panel() -> None:
    blind = [
        replace(r, points=tuple(replace(p, test_rmse=np.nan) for p in r.points))
        for r in fake.suite(2)
    ]
    with look.applied():
        drawn = figures(blind)["convergence-ml-100k-official-u1-2-threads"]
    assert len(drawn.axes) == 2


def test_every_figure_is_drawn_once_the_records_can_fill_it() -> None:
    with look.applied():
        kinds = {name.partition("-")[0] for name in figures(fake.suite(2))}
        every = figures(grown(2))
    single = {"convergence", "timing", "tradeoff", "speed", "ledger", "code", "agreement"}
    assert kinds == single
    assert {name.partition("-")[0] for name in every} == single | {"profile", "scaling"}
    assert {"scaling-rank-ml-100k-official-u1-2-threads", "profile"} <= set(every)


def test_more_threads_are_told_as_a_gain() -> None:
    with look.applied():
        drawn = figures(grown(2))["scaling-threads-ml-100k-official-u1-rank-16"]
    said = {text.get_text() for text in drawn.axes[0].texts}
    assert said == {"numpy_sgd (1.8x)", "numba_sgd (1.8x)"}


def test_the_best_to_be_had_never_gets_worse_and_owes_nothing_to_the_flagged() -> None:
    cheat = fake.record(
        "cheat",
        problem=fake.suite(1)[0].problem,
        points=fake.points(1e-6, 0.5),
        flags=("Reads the test set.",),
    )
    with look.applied():
        drawn = figures([*fake.suite(5), cheat])["tradeoff-ml-100k-official-u1-2-threads"]
    stairs = np.concatenate(
        [line.get_ydata() for line in drawn.axes[0].lines if line.get_alpha() == 0.5]
    )
    assert (np.diff(stairs) <= 0).all()
    assert stairs.min() > 0.9


def test_who_parts_from_its_family_stands_out() -> None:
    with look.applied():
        drawn = figures(fake.suite(6))["agreement"]
    assert [t.get_text() for t in drawn.axes[0].texts if t.get_text().startswith("✗")] == [
        "✗ parts in epoch 1"
    ]


def test_records_without_a_point_draw_nothing() -> None:
    failed = fake.record(status="error", reason="Killed.", points=(), import_s=np.nan,
                         warmup_s=np.nan, setup_s=np.nan)  # fmt: skip
    assert figures([failed]) == {}


def test_flagged_backends_are_dashed_and_hollow() -> None:
    flagged = fake.record(flags=("The result is within 1% of the mean predictor.",))
    with look.applied():
        line = figures([flagged])["convergence-ml-100k-official-u1-2-threads"].axes[0].lines[0]
    assert line.is_dashed()
    assert line.get_markerfacecolor() == "white"


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    first = save_all(fake.suite(2), tmp_path / "a")
    again = save_all(fake.suite(2), tmp_path / "b")
    assert [p.name for p in first] == [p.name for p in again]
    assert {p.suffix for p in first} == {".png", ".svg"}
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]


def test_names_become_file_names_that_stay_in_their_directory(tmp_path: Path) -> None:
    odd = [fake.record(case_changes={"dataset": name}) for name in ("../a/b", "..a,b", "$x$")]
    for path in save_all(odd, tmp_path / "figures"):
        assert path.parent == tmp_path / "figures"
        assert path.exists()
    assert len(list((tmp_path / "figures").glob("convergence-*.svg"))) == 3


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="Cannot write figures"):
        save_all(fake.suite(2), tmp_path / "file" / "figures")
