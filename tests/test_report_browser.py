"""The report in a real browser, opened from disk: `pytest -m slow tests/test_report_browser.py`."""

import lzma
import shutil
from itertools import pairwise
from pathlib import Path

import fake_records as fake
import pytest

from bench.leaderboard import rows
from bench.palette import LIGHT
from bench.records import to_json
from bench.report import write
from bench.units import fixed

playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path"),
]
DATASETS = ("ml-100k[official=u1]", "synthetic[size=s]")
RECORDS = fake.suite(20, DATASETS)
CONTESTS = [f"{dataset}, 2 threads" for dataset in DATASETS]


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return write(RECORDS, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def page(browser, file: Path):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.complaints, page.asked = [], []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready]", timeout=30_000)
    yield page
    page.close()


def curves(page):
    """Name and last y of each line, bands left out."""
    return page.evaluate(
        "document.getElementById('chart').data.filter(t => t.name).map(t => [t.name, t.y.at(-1)])"
    )


def column(page, heading: str, table: str = "#ranking-1-table") -> list[str]:
    headings = page.locator(f"{table} thead th").all_inner_texts()
    k = [text.strip() for text in headings].index(heading)
    return [row[k] for row in page.locator(f"{table} tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )]  # fmt: skip


def test_it_opens_from_disk_without_a_request_or_a_complaint(page, file: Path) -> None:
    assert page.asked == [file.as_uri()]
    assert page.complaints == []


def test_the_tables_numbers_are_the_records(page) -> None:
    expected = [row for row in rows(RECORDS) if row.dataset == CONTESTS[0]]
    assert column(page, "Backend") == [row.backend for row in expected]
    assert column(page, "Test RMSE") == [fixed(row.test_rmse) for row in expected]


def test_a_heading_sorts_by_keyboard_with_the_unknown_last(page) -> None:
    heading = page.locator("#ranking-1-table thead button", has_text="Test RMSE")
    heading.focus()
    for state, ordered in (("ascending", sorted), ("descending", lambda v: sorted(v)[::-1])):
        page.keyboard.press("Enter")
        assert heading.locator("..").get_attribute("aria-sort") == state
        *known, last = column(page, "Test RMSE")
        assert known == ordered(known)
        assert last == "-"


def test_a_word_filters_and_the_count_is_said(page) -> None:
    page.get_by_label("Filter").first.press_sequentially("torch_als")
    assert page.locator("#ranking-1-table tbody tr:visible").count() == 2
    assert page.locator("output").first.inner_text() == "2 of 20 rows"


def test_switches_change_the_curves(page) -> None:
    first = curves(page)
    assert len(first) == 19  # of twenty one left no point
    page.get_by_label("J", exact=True).check()
    assert curves(page) != first
    page.get_by_label("Epochs").check()
    assert page.evaluate("document.getElementById('chart').layout.xaxis.title.text") == "epochs"
    page.get_by_label("Data set").select_option(label=CONTESTS[1])
    assert "synthetic" in page.locator("#chart").get_attribute("aria-label")


def test_backends_hide_and_show(page) -> None:
    page.locator("[name=backend][value=numba_sgd]").uncheck()
    assert "numba_sgd" not in dict(curves(page))
    page.get_by_role("button", name="None").click()
    assert curves(page) == []
    page.get_by_role("button", name="All").click()
    assert len(curves(page)) == 19


def test_the_curves_have_the_colours_of_the_table(page) -> None:
    color = page.evaluate(
        "document.getElementById('chart').data.find(t => t.name === 'numba_sgd').line.color"
    )
    style = page.locator("#ranking-1-table tbody tr:first-child .marker").get_attribute("style")
    assert f"--light: {color}" in style


def test_dark_mode_redraws_in_colours_made_for_it(page) -> None:
    color = "document.getElementById('chart').data.at(-1).line.color"
    light = page.evaluate(color)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)
    assert page.evaluate(color) != light


def test_the_records_can_be_downloaded(page, tmp_path: Path) -> None:
    with page.expect_download() as started:
        page.get_by_role("button", name="Download 120 records").click()
    started.value.save_as(tmp_path / "records.jsonl.xz")
    lines = lzma.decompress((tmp_path / "records.jsonl.xz").read_bytes()).decode().splitlines()
    assert lines == [to_json(record) for record in RECORDS]


def test_every_control_is_reached_by_the_keyboard(page) -> None:
    reached = set()
    for _ in range(page.locator("a, button, input, select, [tabindex='0']").count() + 5):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(
            "(e => e.id || e.name || e.textContent.trim().slice(0, 20))(document.activeElement)"
        ))  # fmt: skip
    assert {"dataset", "y", "x", "logx", "backend", "download", "Backend", "Answer"} <= reached


@pytest.mark.parametrize("width", [1440, 768, 390])
def test_the_page_never_scrolls_sideways(page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("table", ["ranking-1", "ranking-2", "speed-1", "speed-2", "ledger-1"])
def test_a_table_fits_a_screen_of_1440_pixels(page, table: str) -> None:
    region = page.locator(f".scroll[aria-labelledby='{table}']")
    region.scroll_into_view_if_needed()
    assert region.evaluate("e => e.scrollWidth <= e.clientWidth"), table


def test_headings_step_down_one_at_a_time_and_names_are_there(page) -> None:
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate(
        "[...document.querySelectorAll('input,select')].every(e => e.labels.length)"
    )
    assert page.evaluate(
        "[...document.querySelectorAll('[role=region]')]"
        ".every(e => document.getElementById(e.getAttribute('aria-labelledby')))"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_a_contrast_of_at_least_four_and_a_half(page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate(CONTRASTS) == []


CONTRASTS = """() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("main *, header *")].filter((e) =>
    e.checkVisibility() && !e.closest("#chart") &&
    [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()));
  return texts.filter((e) => {
    const both = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05) < 4.5;
  }).map((e) => e.outerHTML.slice(0, 80));
}"""


def test_five_hundred_records_are_usable_within_two_seconds(browser, tmp_path: Path) -> None:
    many = fake.suite(10, tuple(f"synthetic[size={k}]" for k in range(10)), repeats=5)
    page = browser.new_page()
    page.goto(write(many, tmp_path / "many.html").as_uri())
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    page.close()
    assert ready < 2000  # text, tables, sorting and filters; the chart follows


def test_it_prints_in_light_colours(page, tmp_path: Path) -> None:
    page.pdf(path=tmp_path / "report.pdf")
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_timeout(500)
    assert not page.locator("form#controls").is_visible()
    assert page.locator("#chart svg").first.is_visible()
    colors = page.evaluate("document.getElementById('chart').data.map(t => t.line.color)")
    assert set(filter(None, colors)) <= set(LIGHT)
