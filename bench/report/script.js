"use strict";

const element = (id) => document.getElementById(id);

// Tables: a heading sorts, unknown last in both directions; a word filters.

function sortable(table) {
  table.querySelectorAll("thead button").forEach((button, column) => {
    button.addEventListener("click", () => {
      const heading = button.parentElement;
      const down = heading.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.key;
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b), down)));
    });
  });
}

function compare(a, b, down) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const order = isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
  return down ? -order : order;
}

function filterable(input) {
  const rows = [...element(input.dataset.filter).tBodies[0].rows];
  const said = input.closest("p").querySelector("output");
  input.addEventListener("input", () => {
    const word = input.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(word);
    const left = rows.filter((row) => !row.hidden).length;
    said.textContent = word ? `${left} of ${rows.length} rows` : "";
  });
}

// What the page carries compressed.

function bytes(id) {
  const letters = atob(element(id).textContent);
  const found = new Uint8Array(letters.length);
  for (let k = 0; k < letters.length; k++) found[k] = letters.charCodeAt(k);
  return found;
}

async function unpacked(id) {
  const stream = new Blob([bytes(id)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes("raw")], { type: "application/x-xz" }));
  link.download = "records.jsonl.xz";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// The chart.

const numbers = JSON.parse(element("numbers").textContent);
const controls = element("controls");
const dark = matchMedia("screen and (prefers-color-scheme: dark)");
const names = { test_rmse: "test RMSE", train_rmse: "train RMSE", J: "J" };
const units = { test_rmse: "rating units", train_rmse: "rating units", J: "rating units squared" };
const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

function asked() {
  const form = new FormData(controls);
  return {
    set: numbers.datasets[Number(form.get("dataset"))],
    x: form.get("x"), y: form.get("y"),
    logx: form.has("logx"), logy: form.has("logy"),
    shown: new Set(form.getAll("backend")),
  };
}

function traces(want) {
  return want.set.backends.filter((backend) => want.shown.has(backend.name)).flatMap((backend) => {
    const style = numbers.styles[backend.name];
    const color = dark.matches ? style.dark : style.light;
    const curve = backend.curves[want.y][want.x];
    const from = want.logx ? curve.x.findIndex((x) => x > 0) : 0;
    const cut = (values) => (from < 0 ? [] : values.slice(from));
    const sound = backend.verdict === "agrees";
    const line = {
      x: cut(curve.x), y: cut(curve.y), name: escaped(backend.name), mode: "lines+markers",
      line: { color, width: 2, dash: sound ? "solid" : "dash" },
      marker: { symbol: style.symbol + (sound ? "" : "-open"), size: 7, maxdisplayed: 12 },
      hovertemplate: `%{y:.4f} at %{x:.4~g}${want.x === "seconds" ? " s" : " epochs"}`,
    };
    return curve.bandX.length ? [band(curve, color, want.logx), line] : [line];
  });
}

function band(curve, color, logarithmic) {
  const points = curve.bandX.map((x, k) => [x, curve.bandY[k]]).filter(([x]) => !logarithmic || x > 0);
  const [x, y] = [0, 1].map((k) => points.map((point) => point[k]));
  return { x, y, mode: "lines", fill: "toself", fillcolor: color + "33", line: { width: 0 }, hoverinfo: "skip" };
}

function levels(want) {
  const { target, floor } = want.set;
  const found = [];
  if (target && target.metric === want.y) found.push([target.value, "target", "dot"]);
  if (floor !== null && want.y === "test_rmse") found.push([floor, "planted noise", "dashdot"]);
  return found;
}

// Ticks of a logarithmic axis of seconds: Plotly's own lose their unit between powers of ten.

function ticks([low, high]) {
  const most = Math.max(2, Math.floor(element("chart").clientWidth / 64));
  const powers = Array.from({ length: 16 }, (_, k) => k - 9);
  const series = [[1, 2, 5], [1, 3], [1]].map((subs) => powers.flatMap((k) => subs.map((sub) => [sub, k])));
  series.push(series[2].filter(([, k]) => k % 2 === 0));
  const inside = series.map((all) => all.filter(([sub, k]) => sub * 10 ** k >= low && sub * 10 ** k <= high));
  const chosen = inside.find((few) => few.length <= most) ?? inside.at(-1);
  return { tickvals: chosen.map(([sub, k]) => sub * 10 ** k), ticktext: chosen.map(([sub, k]) => spoken(sub, k)) };
}

function spoken(sub, power) {
  const [unit, name] = power < -3 ? [-6, "µs"] : power < 0 ? [-3, "ms"] : [0, "s"];
  return `${(sub * 10 ** (power - unit)).toLocaleString("en", { maximumFractionDigits: 3 })} ${name}`;
}

function extent(found) {
  const all = found.flatMap((trace) => trace.x);
  return all.length ? [Math.min(...all) / 1.3, Math.max(...all) * 1.3] : [1e-3, 1e3];
}

function zoomed(change) {
  const { type, range, tickvals } = element("chart").layout.xaxis;
  if (type !== "log" || !tickvals || !("xaxis.range[0]" in change || "xaxis.autorange" in change)) return;
  const found = ticks(range.map((power) => 10 ** power));
  Plotly.relayout("chart", { "xaxis.tickvals": found.tickvals, "xaxis.ticktext": found.ticktext });
}

function layout(want, found) {
  const css = getComputedStyle(document.documentElement);
  const [ink, muted, line] = ["--ink", "--muted", "--line"].map((name) => css.getPropertyValue(name));
  const axis = { gridcolor: line, linecolor: muted, zeroline: false, automargin: true };
  const seconds = want.x === "seconds";
  const limits = want.set.limits[want.y];
  return {
    paper_bgcolor: "transparent", plot_bgcolor: "transparent", showlegend: false, hovermode: "closest",
    font: { color: ink, family: getComputedStyle(document.body).fontFamily, size: 13 },
    margin: { l: 56, r: 12, t: 24, b: 48 },
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    xaxis: {
      ...axis, type: want.logx ? "log" : "linear", title: { text: seconds ? "training time" : "epochs" },
      ...(seconds ? { tickformat: "~s", ticksuffix: "s" } : {}),
      ...(seconds && want.logx ? ticks(extent(found)) : {}),
      rangemode: want.logx ? "normal" : "tozero",
    },
    yaxis: {
      ...axis, type: want.logy ? "log" : "linear", title: { text: `${names[want.y]} (${units[want.y]})` },
      ...(limits ? { range: want.logy ? limits.map(Math.log10) : limits, autorange: false } : {}),
    },
    shapes: levels(want).map(([y, , dash]) => ({
      type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { color: muted, width: 1, dash },
    })),
    annotations: levels(want).map(([y, name], k) => ({
      xref: "paper", x: k ? 0.75 : 1, xanchor: "right", yref: "paper", y: 1, yanchor: "bottom", showarrow: false,
      font: { color: muted, size: 12 }, text: `${k ? "dash-dotted" : "dotted"}: ${name} ${y.toFixed(4)}`,
    })),
  };
}

function draw() {
  const want = asked();
  const found = traces(want);
  const count = want.set.backends.filter((backend) => want.shown.has(backend.name)).length;
  const across = want.x === "seconds" ? "training seconds" : "epochs";
  element("chart").setAttribute(
    "aria-label",
    `Line chart of ${names[want.y]} against ${across} on ${want.set.name} for ${count} backends; the tables hold the numbers.`,
  );
  return Plotly.react("chart", found, layout(want, found), { responsive: true, displayModeBar: false });
}

function show(every) {
  for (const box of controls.querySelectorAll('[name="backend"]')) box.checked = every;
  draw();
}

async function start() {
  const script = document.createElement("script");
  script.textContent = await unpacked("plotly");
  document.head.append(script);
  element("chart").replaceChildren();
  await draw();
  controls.addEventListener("change", draw);
  element("chart").on("plotly_relayout", zoomed);
  dark.addEventListener("change", draw);
  controls.querySelectorAll("[data-show]").forEach((button) => {
    button.addEventListener("click", () => show(button.dataset.show === "all"));
  });
  document.documentElement.dataset.ready = `${Math.round(performance.now())} ms`;
}

document.querySelectorAll("table").forEach(sortable);
document.querySelectorAll("[data-filter]").forEach(filterable);
element("download").addEventListener("click", download);
start().catch((error) => {
  element("chart").textContent = `This browser can't draw the chart (${error}); the tables hold its numbers.`;
});
