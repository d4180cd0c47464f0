"use strict";
// Everything that is shown is set as text, never as markup.
const PERIOD = 1000, POINTS = 120, MOST_ROWS = 400;
const at = (id) => document.getElementById(id);
const number = (value, digits = 1) => (value === null ? "–" : value.toFixed(digits));
const percent = (value) => (value === null ? "–" : `${(value * 100).toFixed(0)} %`);
const history = { rate: [], failed: [] };
let last = null, failures = 0;

const cells = new Map();
for (const cell of document.querySelectorAll("[data-answers]")) {
  const text = cell.querySelector("text");
  cells.set(`${cell.dataset.service}\n${cell.dataset.answers}`,
    { cell, text, planned: text.textContent, narrow: cell.querySelector("rect").width.baseVal.value < 60 });
}
const cards = new Map([...document.querySelectorAll("g[data-mesh]")].map((card) => [card.dataset.mesh, card]));

function element(name, text, style) {
  const made = document.createElement(name);
  made.textContent = text;
  if (style) made.className = style;
  return made;
}

function row(values) {
  const made = document.createElement("tr");
  for (const [text, style] of values) made.append(element("td", text, style));
  return made;
}

function drawCells(services) {
  for (const service of services) {
    for (const [mesh, seen] of Object.entries(service.answers)) {
      const found = cells.get(`${service.name}\n${mesh}`);
      if (!found) continue;
      const busy = seen.rate > 0 || seen.failed > 0;
      const rate = `${number(seen.rate, seen.rate < 100 ? 1 : 0)}/s`;
      const text = found.narrow ? (busy ? rate : found.planned) :
        busy ? `${percent(seen.share)} · ${rate}` : found.planned;
      if (found.text.textContent !== text) found.text.textContent = text;
      found.cell.classList.toggle("bad", seen.ejected > 0 || seen.failed > 0);
    }
  }
}

function drawMeshes(state) {
  at("meshes").replaceChildren(...state.meshes.map((mesh) => {
    const soon = mesh.days !== null && mesh.days < state.soon;
    const card = cards.get(mesh.name);
    if (card) card.classList.toggle("bad", Boolean(mesh.trouble) || soon);
    const seen = mesh.watched ? String(mesh.proxies) : `of stack ${mesh.stack}, not read`;
    return row([[mesh.name], [seen, "number"], [String(mesh.silent), mesh.silent ? "number wrong" : "number"],
      [String(mesh.left_out), "number"], [mesh.days === null ? "–" : String(mesh.days), soon ? "number wrong" : "number"],
      [mesh.trouble, "wrong"]]);
  }));
  const root = state.root.days;
  at("root").textContent = root === null ? "" : `The root CA has ${root} days.`;
  at("root").className = root !== null && root < state.soon ? "wrong" : "";
}

function drawPairs(pairs) {
  const wanted = at("filter").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = pairs.filter((pair) => {
    const text = `${pair.service} ${pair.from} ${pair.to}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  const worse = (pair) => (pair.ejected || pair.failed ? 1 : 0);
  chosen.sort((one, other) => worse(other) - worse(one) || one.service.localeCompare(other.service) ||
    one.from.localeCompare(other.from) || one.to.localeCompare(other.to));
  at("pairs").replaceChildren(...chosen.slice(0, MOST_ROWS).map((pair) => row([
    [pair.service], [pair.from], [pair.to], [number(pair.rate), "number"], [percent(pair.share), "number"],
    [percent(pair.weight), "number"], [String(pair.failed), pair.failed ? "number wrong" : "number"],
    [latency(pair.p50), "number"], [latency(pair.p99), "number"],
    [pair.ejected ? `by ${pair.ejected} of ${pair.proxies}` : "", "wrong"],
  ])));
  at("shown").textContent = chosen.length > MOST_ROWS ? `${MOST_ROWS} of ${chosen.length} shown` :
    chosen.length ? "" : "no traffic";
}

const latency = (value) => (value === null ? "–" : value < 1 ? "<1" : number(value, value < 10 ? 1 : 0));

function drawTroubles(state) {
  const said = state.meshes.filter((mesh) => mesh.trouble).map((mesh) => `${mesh.name}: ${mesh.trouble}`);
  for (const service of state.services) {
    for (const [mesh, seen] of Object.entries(service.answers)) {
      if (seen.ejected) said.push(`${service.name}: ${mesh} is ejected by ${seen.ejected} proxies`);
      else if (seen.failed) said.push(`${service.name}: ${seen.failed} tries failed in ${mesh}`);
    }
  }
  at("troubles").hidden = said.length === 0;
  at("trouble-list").replaceChildren(...said.slice(0, 20).map((text) => element("li", text, "wrong")));
}

function drawChart(rate, failed) {
  history.rate.push(rate);
  history.failed.push(failed);
  for (const values of Object.values(history)) if (values.length > POINTS) values.shift();
  const top = Math.max(1, ...history.rate, ...history.failed);
  for (const [name, values] of Object.entries(history)) {
    at(`chart-${name}`).setAttribute("points",
      values.map((value, place) => `${(place * 240 / (POINTS - 1)).toFixed(1)},${(39 - 38 * value / top).toFixed(1)}`).join(" "));
  }
}

function draw(state) {
  const began = performance.now();
  const rate = state.pairs.reduce((sum, pair) => sum + pair.rate, 0);
  const failed = state.pairs.reduce((sum, pair) => sum + pair.failed, 0);
  drawCells(state.services);
  drawMeshes(state);
  drawPairs(state.pairs);
  drawTroubles(state);
  drawChart(rate, failed / 10);
  at("status").textContent = `${number(rate)} requests and connections a second, ${failed} tries failed in the last 10 s`;
  at("status").className = "";
  document.body.dataset.drawnAt ??= String(performance.timeOrigin + performance.now());
  document.body.dataset.drawn = (performance.now() - began).toFixed(1);
}

async function follow() {
  try {
    const answer = await fetch("state", { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    last = await answer.json();
    failures = 0;
    draw(last);
  } catch (error) {
    failures += 1;
    if (failures > 1) {
      at("status").textContent = "multimesh watch does not answer any more: what is below is old";
      at("status").className = "wrong";
    }
  }
  setTimeout(follow, PERIOD);
}

async function check() {
  at("run").disabled = true;
  at("checks").hidden = false;
  at("checks-status").textContent = "running; the checks call every service a few times";
  at("problems").replaceChildren();
  try {
    const answer = await fetch("checks", { method: "POST" });
    const found = await answer.json();
    if (found.error) throw new Error(found.error);
    const problems = found.checks.flatMap((one) => one.problems.map((problem) => ({ ...problem, title: one.title })));
    at("checks-status").textContent =
      `${new Date().toLocaleTimeString()}: ${problems.length ? "" : "nothing found by "}${found.checks.length} checks`;
    at("problems").replaceChildren(...problems.map((problem) => {
      const item = element("li", `${problem.title}: ${problem.where}: ${problem.cause} `,
        problem.severity === "failed" ? "wrong" : "");
      item.append(element("span", problem.remedy, "remedy"));
      return item;
    }));
  } catch (error) {
    at("checks-status").textContent = `the checks could not be run: ${error.message}`;
  }
  at("run").disabled = false;
  at("checks-heading").focus();
}

at("run").addEventListener("click", check);
at("filter").addEventListener("input", () => last && drawPairs(last.pairs));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target === at("filter")) {
    at("filter").value = "";
    at("filter").blur();
    if (last) drawPairs(last.pairs);
  }
  if (event.target.matches("input")) return;
  if (event.key === "/") {
    event.preventDefault();
    at("filter").focus();
  } else if (event.key === "c" && !at("run").disabled) {
    check();
  }
});
follow();
