"use strict";
// What all parts use: words, elements, requests, questions.
const $ = id => document.getElementById(id), none = "–";
let st = null, lost = null, hangs = false; // the last status; since when Gatewatch does not answer, and whether it hangs
let token = "", failure = "";
const here = () => Boolean(st && !lost);

// Times and durations, as the window has them.
const known = t => t && !t.startsWith("0001-");
const dateOf = (t, style) => t.toLocaleDateString("en-GB", style).replace(",", "");
const isToday = t => t.toDateString() === new Date().toDateString();
function clock(when) {
  const t = new Date(when), age = Date.now() - t, near = Math.abs(age) < 6 * 86400e3;
  if (isToday(t)) return t.toTimeString().slice(0, age >= 0 && age < 3600e3 ? 8 : 5);
  return dateOf(t, near ? { weekday: "short" } : { day: "numeric", month: "short" }) + " " + t.toTimeString().slice(0, 5);
}
function stamp(when) {
  const t = new Date(when), year = t.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return (isToday(t) ? "" : dateOf(t, { day: "numeric", month: "short", ...year }) + " ") + t.toTimeString().slice(0, 8);
}
function span(seconds) {
  const s = Math.max(0, Math.floor(seconds)), [large, name, small, rest] =
    s < 3600 ? [60, "min", 1, "s"] : s < 48 * 3600 ? [3600, "h", 60, "min"] : [86400, "d", 3600, "h"];
  const more = Math.floor(s % large / small);
  return s < 60 ? s + " s" : Math.floor(s / large) + " " + name + (more ? " " + more + " " + rest : "");
}
const length = s => !(s > 0) ? none : s < 1 ? Math.floor(s * 1e3) + " ms" : s < 10 && s % 1 ? s.toFixed(1) + " s" : span(s);
const minutes = s => span(s < 60 ? s : s - s % 60);
const sinceFor = t => known(t) ? "since " + clock(t) + " · " + minutes((Date.now() - new Date(t)) / 1e3) : "";
const until = t => { // whole minutes above two, so that it does not flicker
  const s = Math.max(0, Math.ceil((new Date(t) - Date.now()) / 1e3));
  return s < 120 ? s + " s" : minutes(s + 59);
};
const percent = p => typeof p === "number" ? (Math.floor(p * 10 + 1e-9) / 10).toFixed(1) + " %" : none;

// Text from outside: what turns the direction of writing is named, what cannot be seen becomes a space.
const clean = text => String(text ?? "")
  .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, c => "[U+" + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "]")
  .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
const upper = text => text.replace(/^./u, c => c.toUpperCase());
const sentence = text => upper(clean(text)).replace(/([^.!?…])$/u, "$1.");
const joined = (list, by = " · ") => list.filter(Boolean).join(by);
const counted = (n, one, many = one + "s") => n + " " + (n === 1 ? one : many);
const listOf = list => list === null ? [] : list; // an empty list of Go's may be null

// Painting touches only what has changed, so that a screen reader hears only that.
function el(name, className, ...content) { const e = document.createElement(name); e.className = className; e.append(...content); return e; }
function write(e, text) { if (e.textContent !== text) e.textContent = text; }
const say = (id, text) => write($(id), text);
function show(id, yes) { if ($(id).hidden === Boolean(yes)) $(id).hidden = !yes; }
function attribute(e, name, value) {
  if (e.getAttribute(name) !== value) value === null ? e.removeAttribute(name) : e.setAttribute(name, value);
}
const draw = (id, shape) => attribute($(id), "href", "#" + shape);
function sign(shape) {
  const [svg, use] = ["svg", "use"].map(name => document.createElementNS("http://www.w3.org/2000/svg", name));
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", "#" + shape);
  svg.append(use);
  return svg;
}
const painted = new Map(); // what rows showed last, by their id
function rows(id, list, fill) {
  const key = JSON.stringify(list);
  if (painted.get(id) === key) return;
  painted.set(id, key);
  $(id).replaceChildren(...list.map(fill));
}
function row(...cells) {
  const tr = el("tr", "", ...cells.map((c, i) => c.tagName === "TD" ? c : el(i ? "td" : "th", "", ...[].concat(c))));
  tr.firstChild.scope = "row";
  return tr;
}
function table(name, caption, ...columns) { // in the section of that name
  const [box, note] = [...$("table").content.cloneNode(true).children], body = box.querySelector("tbody");
  [box.id, body.id, note.id, box.ariaLabel] = [name + "-shown", name + "-rows", name + "-note", caption];
  write(box.querySelector("caption"), caption);
  box.querySelector("thead").append(el("tr", "", ...columns.map(c => Object.assign(el("th", "", c), { scope: "col" }))));
  $(name).append(box, note);
}

// A one-time code comes behind the #, which is not sent, and does not stay in the address bar. It is exchanged for a token, which
// this tab keeps. A cookie would be sent to every port of this computer.
try { token = sessionStorage.getItem("token") || ""; } catch { /* storage is switched off */ }
function keepToken(given) {
  token = given;
  try { sessionStorage.setItem("token", given); } catch { /* then until the page is left */ }
}
async function takeCode() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return;
  history.replaceState(null, "", location.pathname);
  const answer = await fetch("/session", { method: "POST", body: JSON.stringify({ code }) }).catch(() => null);
  const told = answer?.ok ? await answer.json().catch(() => null) : null;
  failure = told?.token ? "" : "The link to this page works once and for 30 s. Open the page again, from the tray or with “gatewatch open”.";
  if (told?.token) keepToken(told.token);
}
const signed = more => ({ ...more, ...token && { Authorization: "Bearer " + token } });
function refused() {
  keepToken("");
  failure = "This page no longer has access, for example because Gatewatch was restarted. Open it again, from the tray or with “gatewatch open”.";
  readAll();
}
function parsed(text) { try { return JSON.parse(text); } catch { return {}; } }
// request returns what was answered. The message of an error is for people.
async function request(method, path, body, headers) {
  const failed = text => new Error((method === "GET" ? "" : words.didNotWork) + clean(text));
  const sent = token;
  const answer = await fetch(path, { method, body, headers: signed(headers), signal: AbortSignal.timeout(60e3) })
    .catch(() => { throw failed("Gatewatch does not answer."); });
  if (answer.status === 401 && sent !== token) return request(method, path, body, headers); // a new one has come since
  if (answer.status === 401) { refused(); throw new Error(failure); }
  const text = await answer.text().catch(() => ""), data = parsed(text), { status } = answer;
  if (!answer.ok) throw Object.assign(failed(data.error || answer.statusText), { status, problems: data.problems });
  return { data, text, tag: answer.headers.get("ETag") };
}

// Buttons. allow switches one off where what it does cannot be done, and names the line that says why; one that only does not
// apply, or whose command is under way, keeps the focus.
const running = new Set();
function allow(b, can, why, applies = true) {
  const line = !token ? "notoken" : can ? null : why;
  if (b.disabled !== (line !== null)) b.disabled = line !== null;
  attribute(b, "aria-describedby", line);
  attribute(b, "aria-disabled", applies && !running.has(b) ? null : "true");
}
// A click on a button that has just slid under a resting mouse, because what stands above it has changed, was meant for another one.
let aim = { x: -9, y: -9, button: null, seen: null };
const buttonAt = (x, y) => document.elementFromPoint(x, y)?.closest("button") ?? null;
function take(e) {
  const button = buttonAt(e.clientX, e.clientY);
  aim = { x: e.clientX, y: e.clientY, button, seen: button };
}
function look() { // what stands there for a while is what people see
  const button = buttonAt(aim.x, aim.y);
  if (button === aim.seen) aim.button = button;
  aim.seen = button;
}
const looking = setInterval(look, 400);
addEventListener("pointermove", take, true);
addEventListener("click", e => {
  const rests = Math.hypot(e.clientX - aim.x, e.clientY - aim.y) < 2;
  if (e.detail && rests && buttonAt(e.clientX, e.clientY) !== aim.button) { e.preventDefault(); e.stopImmediatePropagation(); }
  take(e);
}, true);
const onPress = (b, does) => b.addEventListener("click", () => { if (b.ariaDisabled !== "true") does(b); });
function button(text, does, label, className = "") {
  const b = Object.assign(el("button", className, text), { type: "button" });
  if (label) b.ariaLabel = text + " " + label;
  onPress(b, does);
  return b;
}
function result(id, text, failed) {
  $(id).classList.toggle("error", Boolean(failed));
  say(id, text);
}
// act asks for something and says what came of it, in the line of its part.
async function act(b, part, path, body, done) {
  running.add(b);
  attribute(b, "aria-disabled", "true");
  result(part + "-result", "");
  try {
    const { data } = await request("POST", path, JSON.stringify(body));
    result(part + "-result", typeof done === "string" ? done + (data.message ? " But " + clean(data.message) + "." : "") : done(data));
  } catch (e) {
    result(part + "-result", e.message, true);
  }
  running.delete(b);
  await (parts[part] ? readPart(parts[part]) : render());
}
// ask puts a question. What is done after a yes may throw an error: then all stays as it is. Fields are [label, key, value];
// reading says what is typed in them, or throws an error while it cannot be sent.
let accepted = null, reading = null;
const asked = () => Object.fromEntries(new FormData($("ask").querySelector("form")));
function ask(title, text, yes, does, fields = [], says = null) {
  if ($("ask").open) return;
  [accepted, reading] = [does, says];
  for (const [id, words] of [["title", title], ["text", text], ["yes", yes], ["wrong", ""], ["reading", ""]]) say("ask-" + id, words);
  $("ask-yes").className = fields.length ? "first" : "danger";
  $("ask-fields").replaceChildren(...fields.map(([label, name, value]) =>
    el("label", "", label, Object.assign(el("input", ""), { name, value, inputMode: "decimal", autocomplete: "off" }))));
  $("ask").showModal();
  ($("ask").querySelector("input") ?? $("ask-no")).focus();
}
$("ask-no").addEventListener("click", () => $("ask").close());
$("ask-fields").addEventListener("input", () => {
  let words = "";
  try { words = reading?.(asked()) ?? ""; } catch { /* what is wrong is said when it is to be sent: it may not be typed to its end */ }
  say("ask-reading", words);
});
$("ask").addEventListener("submit", async e => {
  e.preventDefault();
  try {
    await accepted(asked());
    $("ask").close();
  } catch (err) {
    say("ask-wrong", err.message);
  }
});
