/** Draws the state of the shop once a second and sends the clicks. Every address is relative to the page's own. */

const PERIOD_MS = 1200;
const MEMORY_LIMIT = 200 * 1024 * 1024;
const SVG = "http://www.w3.org/2000/svg";

const SPARKS = [
  { key: "error_rate", label: "errors", limit: 0.05, top: 0.3, text: (v) => `${(v * 100).toFixed(v > 0 && v < 0.1 ? 1 : 0)} %` },
  { key: "p95_s", label: "p95", limit: 0.5, top: 1, text: (v) => (v < 1 ? `${Math.round(v * 1000)} ms` : `${v.toFixed(1)} s`) },
  { key: "memory_bytes", label: "memory", limit: 0.8 * MEMORY_LIMIT, top: 1.1 * MEMORY_LIMIT, text: (v) => `${Math.round(v / 2 ** 20)} MB` },
];

const byId = (id) => document.getElementById(id);
const rows = { services: new Map(), faults: new Map() };
const firstVersions = new Map();
let busy = false;

const theme = new URLSearchParams(location.search).get("theme");
if (theme) document.documentElement.dataset.theme = theme;

async function call(path, method = "GET") {
  const response = await fetch(path, { method, cache: "no-store" });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
  return response.json();
}

/** Sets text only where it differs, so that a reader's selection and a screen reader's place survive. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function rowFor(kind, key) {
  let row = rows[kind].get(key);
  if (!row) {
    row = byId(`${kind.slice(0, -1)}-template`).content.firstElementChild.cloneNode(true);
    rows[kind].set(key, row);
    byId(kind).append(row);
  }
  return row;
}

function healthOf(service, alerts) {
  if (alerts.length) return ["bad", alerts.length > 1 ? `${alerts[0]} +${alerts.length - 1}` : alerts[0]];
  if (service.status === "crashed") return ["bad", "crashed"];
  if (service.status !== "running" || !service.health) return ["warn", service.status === "running" ? "no answer" : service.status];
  return { ok: ["good", "healthy"], degraded: ["warn", "degraded"], failing: ["bad", "failing"] }[service.health.status];
}

function drawService(service, alerts) {
  const row = rowFor("services", service.name);
  const names = alerts.filter(({ state, labels }) => state === "firing" && labels.service === service.name);
  const [state, word] = healthOf(service, names.map(({ labels }) => labels.alertname));
  if (!firstVersions.has(service.name)) firstVersions.set(service.name, service.version);
  say(row.querySelector("h3"), service.name);
  const version = row.querySelector(".version");
  say(version, service.version);
  version.classList.toggle("fresh", service.version !== firstVersions.get(service.name));
  const health = row.querySelector(".health");
  say(health, word);
  health.dataset.state = state;
  const troubles = Object.entries(service.health?.checks ?? {}).filter(([, value]) => value !== "ok");
  const facts = [`${service.ready_workers} of ${service.workers} workers`, `${service.restarts} crash${service.restarts === 1 ? "" : "es"}`];
  facts.push(...troubles.map(([check, value]) => `${check.split(":").pop().replace("_", " ")} ${value}`));
  say(row.querySelector(".facts"), facts.join(" · "));
}

function path(values, top) {
  const step = 100 / Math.max(values.length - 1, 1);
  let line = "";
  let pen = "M";
  values.forEach((value, index) => {
    if (value === null) { pen = "M"; return; }
    line += `${pen}${(index * step).toFixed(2)} ${(30 - (Math.min(value, top) / top) * 28).toFixed(2)}`;
    pen = "L";
  });
  return line;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function makeSpark(spark) {
  const box = document.createElement("div");
  box.className = "spark";
  box.innerHTML = `<div class="spark-label"><span>${spark.label}</span><output></output></div>`;
  const svg = element("svg", { viewBox: "0 0 100 31", preserveAspectRatio: "none", role: "img" });
  const y = 30 - (spark.limit / spark.top) * 28;
  svg.append(
    element("path", { class: "area" }),
    element("line", { class: "limit", x1: 0, x2: 100, y1: y, y2: y }),
    element("path", { class: "line" }),
  );
  box.append(svg);
  return box;
}

function drawSparks(name, lines) {
  const holder = rowFor("services", name).querySelector(".sparks");
  if (!holder.children.length) holder.append(...SPARKS.map(makeSpark));
  SPARKS.forEach((spark, index) => {
    const box = holder.children[index];
    const values = lines[spark.key];
    const last = values.findLast((value) => value !== null);
    const top = Math.max(spark.top, ...values.filter((value) => value !== null));
    const line = path(values, top);
    box.querySelector(".line").setAttribute("d", line);
    const whole = line && !line.slice(1).includes("M");
    box.querySelector(".area").setAttribute("d", whole ? `${line}L100 31L0 31Z` : "");
    const y = 30 - (spark.limit / top) * 28;
    for (const end of ["y1", "y2"]) box.querySelector(".limit").setAttribute(end, y);
    box.classList.toggle("over", last > spark.limit);
    const text = last === undefined ? "no data" : spark.text(last);
    box.querySelector("output").value = text;
    box.querySelector("svg").setAttribute("aria-label", `${spark.label} of ${name}: now ${text}`);
  });
}

function answerOf({ tool, args }) {
  if (!tool) return "Propose nothing: the rule is wrong.";
  return `${tool}(${Object.entries(args).map(([key, value]) => `${key}=${value}`).join(", ")})`;
}

function drawFault(fault) {
  const row = rowFor("faults", fault.name);
  const button = row.querySelector(".inject");
  row.dataset.active = fault.active;
  say(row.querySelector(".title"), fault.title);
  say(row.querySelector(".tag"), fault.service);
  say(row.querySelector(".description"), fault.description);
  say(row.querySelector(".answer"), answerOf(fault.expected));
  say(button, fault.active ? "Active" : "Inject");
  button.setAttribute("aria-label", fault.active ? `${fault.title} is active` : `Inject ${fault.title}`);
  button.disabled = busy || fault.active;
  button.onclick = () => act(`faults/${fault.name}`, "POST");
}

function drawPulse(faults, alerts) {
  const firing = alerts.filter((alert) => alert.state === "firing").length;
  const pulse = byId("pulse");
  const sick = faults.some((fault) => fault.active);
  const [state, text] = firing ? ["bad", `${firing} alert${firing === 1 ? "" : "s"}`] : sick ? ["warn", "fault injected"] : ["good", "all well"];
  pulse.dataset.state = state;
  say(pulse, text);
  byId("heal").disabled = busy || !(sick || firing);
}

function complain(failure) {
  const notice = byId("notice");
  notice.hidden = !failure;
  say(notice, failure ? `The shop does not answer (${failure.message}). Trying again.` : "");
  if (failure) {
    byId("pulse").dataset.state = "unknown";
    say(byId("pulse"), "no answer");
  }
}

async function refresh() {
  const [{ faults }, status, series] = await Promise.all([call("faults"), call("status"), call("series")]);
  for (const service of status.services) drawService(service, status.alerts);
  for (const { name } of status.services) if (series.services[name]) drawSparks(name, series.services[name]);
  faults.forEach(drawFault);
  drawPulse(faults, status.alerts);
}

async function attempt(work) {
  try {
    await work();
    complain(null);
  } catch (failure) {
    complain(failure);
  }
}

async function act(where, method) {
  busy = true;
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  await attempt(() => call(where, method));
  busy = false;
  await attempt(refresh);
}

async function keepDrawing() {
  if (!document.hidden) await attempt(refresh);
  setTimeout(keepDrawing, PERIOD_MS);
}

byId("heal").onclick = () => act("faults", "DELETE");
keepDrawing();
