"use strict";
// What all parts use: times, elements, requests, buttons, questions.
const $ = id => document.getElementById(id), none = "–";
// The last status; since when Gatewatch does not answer, and whether it hangs.
let st = null, lost = null, hangs = false;
const here = () => Boolean(st && !lost);

// Times and durations, as the window has them.
const known = t => t && !t.startsWith("0001-");
const dateOf = (t, style) => t.toLocaleDateString("en-GB", style).replace(",", "").replace("Sept", "Sep");
const timeOf = (t, long = 8) => t.toTimeString().slice(0, long);
const isToday = t => t.toDateString() === new Date().toDateString();
function clock(when) {
  const t = new Date(when), age = Date.now() - t, near = Math.abs(age) < 6 * 86400e3;
  if (isToday(t)) return timeOf(t, age >= 0 && age < 3600e3 ? 8 : 5);
  return dateOf(t, near ? { weekday: "short" } : { day: "numeric", month: "short" }) + " " + timeOf(t, 5);
}
function stamp(when) {
  const t = new Date(when), year = t.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return (isToday(t) ? "" : dateOf(t, { day: "numeric", month: "short", year }) + " ") + timeOf(t);
}
function span(seconds) {
  const s = Math.max(0, Math.floor(seconds)), [large, name, small, rest] =
    s < 3600 ? [60, "min", 1, "s"] : s < 48 * 3600 ? [3600, "h", 60, "min"] : [86400, "d", 3600, "h"];
  const more = Math.floor(s % large / small);
  return s < 60 ? s + " s" : Math.floor(s / large) + " " + name + (more ? " " + more + " " + rest : "");
}
function length(s) {
  return !(s > 0) ? none : s < 1 ? Math.floor(s * 1e3) + " ms" : s < 10 && s % 1 ? s.toFixed(1) + " s" : span(s);
}
const minutes = s => span(s < 60 ? s : s - s % 60);
const sinceFor = t => known(t) ? "since " + clock(t) + " · " + minutes((Date.now() - new Date(t)) / 1e3) : "";
const left = t => Math.ceil((new Date(t) - Date.now()) / 1e3);
const percent = p => typeof p !== "number" ? none
  : (p >= 100 ? 100 : (Math.floor(p * 10 + 1e-9) / 10).toFixed(1)) + " %"; // 100 only without any outage

// Text is cleaned where it is shown: what turns the direction of writing is named, what cannot be seen becomes a space.
const clean = text => String(text ?? "")
  .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    c => "[U+" + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "]")
  .replace(/(?:[^\P{C}\n]|[\p{Zl}\p{Zp}])+/gu, " ");
const upper = text => text.replace(/^./u, c => c.toUpperCase());
const sentence = text => upper(text).replace(/([^.!?…])$/u, "$1.");
const joined = (list, by = " · ") => list.filter(Boolean).join(by);
const listOf = list => list === null ? [] : list; // an empty list of Go's may be null

// Painting touches only what has changed: a screen reader hears only that, and what has the focus keeps it.
function el(name, className, ...content) {
  const e = document.createElement(name);
  if (className) e.className = className;
  e.append(...content.map(c => c instanceof Node ? c : clean(c)));
  return e;
}
function sign(shape) {
  const [svg, use] = ["svg", "use"].map(name => document.createElementNS("http://www.w3.org/2000/svg", name));
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", "#" + shape);
  svg.append(use);
  return svg;
}
function say(id, text) { if ($(id).textContent !== clean(text)) $(id).textContent = clean(text); }
function show(id, yes) { if ($(id).hidden === Boolean(yes)) $(id).hidden = !yes; }
function attribute(e, name, value) {
  if (e.getAttribute(name) === value) return;
  if (name === "style") e.style.cssText = value; // the policy refuses the attribute
  else if (value === null) e.removeAttribute(name);
  else e.setAttribute(name, value);
}
const draw = (id, shape) => attribute($(id), "href", "#" + shape);
function result(id, text, failed) {
  $(id).classList.toggle("error", Boolean(failed));
  say(id, text);
}
// mend makes an element that is shown like a fresh one.
function mend(old, fresh) {
  if (old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
  if (old instanceof Text) return old.data === fresh.data || (old.data = fresh.data);
  for (const { name } of [...old.attributes]) if (name !== "aria-busy") attribute(old, name, fresh.getAttribute(name));
  for (const { name, value } of fresh.attributes) attribute(old, name, value);
  old.onclick = fresh.onclick;
  while (old.childNodes.length > fresh.childNodes.length) old.lastChild.remove();
  [...fresh.childNodes].forEach((c, i) => old.childNodes[i] ? mend(old.childNodes[i], c) : old.append(c));
}
// list shows values, each by an element that stays as long as there is a value with its key. All are made before any is
// shown: where one is bad, what was shown stays. The day changes how times are written, and the token what can be done.
const lists = new Map();
function list(id, values, make, keyOf = (v, i) => i) {
  const body = $(id), old = lists.get(id) ?? new Map(), state = new Date().toDateString() + token;
  const made = values.map((v, i) => {
    const key = keyOf(v, i), text = state + JSON.stringify(v), was = old.get(key);
    return { key, text, was, fresh: was?.text === text ? null : make(v) };
  });
  const now = new Map(made.map(({ key, text, was, fresh }) => [key, { text, e: was?.e ?? fresh }]));
  for (const [key, { e }] of old) if (!now.has(key)) e.remove();
  made.forEach(({ was, fresh, key }, i) => {
    if (was && fresh) mend(was.e, fresh);
    const { e } = now.get(key);
    if (body.children[i] !== e) body.insertBefore(e, body.children[i] ?? null);
  });
  lists.set(id, now);
}
function row(...cells) {
  const [th, ...more] = cells.map((c, i) => c instanceof Element ? c : el(i ? "td" : "th", "", ...[c].flat()));
  th.scope = "row";
  return el("tr", "", th, ...more);
}
const wide = text => el("td", "wide", text);
function table(name, caption, ...columns) { // in the section of that name
  const [box, note] = [...$("table").content.cloneNode(true).children], [head, body] = box.firstElementChild.children;
  [box.id, body.id, note.id, box.ariaLabel] = [name + "-shown", name + "-rows", name + "-note", caption];
  head.append(el("tr", "", ...columns.map(c => Object.assign(el("th", "", c), { scope: "col" }))));
  $(name).append(box, note);
}

// A one-time code comes behind the #, which is not sent, and does not stay in the address bar. It is exchanged for a
// token, which this tab keeps. A cookie would be sent to every port of this computer.
let token = "";
try { token = sessionStorage.getItem("token") || ""; } catch { /* storage is switched off */ }
function keepToken(given) {
  token = given;
  try { sessionStorage.setItem("token", given); } catch { /* then until the page is left */ }
}
const openAgain = "again, from the tray or with “gatewatch open”.";
async function takeCode() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return;
  history.replaceState(null, "", location.pathname);
  const answer = await fetch("/session", { method: "POST", body: JSON.stringify({ code }) }).catch(() => null);
  const told = answer?.ok ? await answer.json().catch(() => null) : null;
  say("failed", told?.token ? "" : "The link to this page works once and for 30 s. Open the page " + openAgain);
  if (told?.token) keepToken(told.token);
}
const signed = more => ({ ...more, ...token && { Authorization: "Bearer " + token } });
function refused() {
  keepToken("");
  say("failed", "This page no longer has access, for example because Gatewatch was restarted. Open it " + openAgain);
  readAll();
}
function parsed(text) { try { return JSON.parse(text); } catch { return {}; } }
// request returns what was answered. The message of an error is for people.
async function request(method, path, body, headers) {
  const failed = text => new Error((method === "GET" ? "" : words.didNotWork) + text), sent = token;
  const answer = await fetch(path, { method, body, headers: signed(headers), signal: AbortSignal.timeout(60e3) })
    .catch(() => { throw failed("Gatewatch does not answer."); });
  if (answer.status === 401 && sent !== token) return request(method, path, body, headers); // a new one has come since
  if (answer.status === 401) { refused(); throw new Error($("failed").textContent); }
  const text = await answer.text().catch(() => ""), data = parsed(text), { status } = answer;
  if (!answer.ok) throw Object.assign(failed(data.error || answer.statusText), { status, problems: data.problems });
  return { data, text, tag: answer.headers.get("ETag") };
}

// Buttons. allow switches one off where what it does cannot be done, and names the line that says why. One that only
// does not apply keeps the focus, and so does one whose command is under way.
function allow(b, can, why, applies = true) {
  const line = !token ? "notoken" : can ? null : why;
  if (b.disabled !== (line !== null)) b.disabled = line !== null;
  attribute(b, "aria-describedby", line);
  attribute(b, "aria-disabled", applies ? null : "true");
  return b;
}
function onPress(b, does) {
  b.onclick = ({ currentTarget: b }) => { if (b.ariaDisabled !== "true" && !b.ariaBusy) does(b); };
}
function button(text, does, label, className = "") {
  const b = Object.assign(el("button", className, text), { type: "button" });
  if (label) b.ariaLabel = clean(text + " " + label);
  onPress(b, does);
  return b;
}
// during does something for a button, which does nothing else meanwhile.
async function during(b, does) {
  attribute(b, "aria-busy", "true");
  await does();
  attribute(b, "aria-busy", null);
}
// act asks for something and says what came of it, in the line of its part.
const act = (b, part, path, body, done = "", method = "POST") => during(b, async () => {
  const line = ($(part + "-result") ?? $(part)).id;
  result(line, "");
  try {
    const { data } = await request(method, path, JSON.stringify(body, null, 2));
    result(line, typeof done === "function" ? done(data) : done + (data.message ? " But " + data.message + "." : ""));
  } catch (e) {
    result(line, e.message, true);
  }
  if (parts[part]) await readPart(part);
});
// A click on a button that has just slid under a resting mouse, because what stands above it has changed, was meant for
// another one.
let aim = { x: -9, y: -9, button: null, seen: null };
const buttonAt = (x, y) => document.elementFromPoint(x, y)?.closest("button") ?? null;
function take({ clientX: x, clientY: y }) {
  const button = buttonAt(x, y);
  aim = { x, y, button, seen: button };
}
function look() { // what stands there for a while is what people see
  const button = buttonAt(aim.x, aim.y);
  if (button === aim.seen) aim.button = button;
  aim.seen = button;
}
const looking = setInterval(look, 400);
addEventListener("pointermove", take, true);
addEventListener("click", e => {
  const { clientX: x, clientY: y } = e, rests = Math.hypot(x - aim.x, y - aim.y) < 2;
  if (e.detail && rests && buttonAt(x, y) !== aim.button) { e.preventDefault(); e.stopImmediatePropagation(); }
  take(e);
}, true);

// ask puts a question. What is done after a yes may throw an error: then all stays as it is. Fields are [label, key,
// value]; reading says what is typed in them, or throws an error while it cannot be sent.
let accepted = null, reading = null;
const asked = () => Object.fromEntries(new FormData($("ask-form")));
function ask(title, text, yes, does, fields = [], says = null) {
  if ($("ask").open) return;
  [accepted, reading] = [does, says];
  for (const [id, words] of Object.entries({ title, text, yes, wrong: "", reading: "" })) say("ask-" + id, words);
  $("ask-yes").className = fields.length ? "first" : "danger";
  $("ask-fields").replaceChildren(...fields.map(([label, name, value]) =>
    el("label", "", label, Object.assign(el("input"), { name, value, inputMode: "decimal", autocomplete: "off" }))));
  $("ask").showModal();
  ($("ask").querySelector("input") ?? $("ask-no")).focus();
}
$("ask-no").onclick = () => $("ask").close();
$("ask-fields").oninput = () => {
  let words = "";
  try { words = reading?.(asked()) ?? ""; } catch { /* it may not be typed to its end */ }
  say("ask-reading", words);
};
$("ask-form").onsubmit = async e => {
  e.preventDefault();
  try {
    await accepted(asked());
    $("ask").close();
  } catch (err) {
    say("ask-wrong", err.message);
  }
};
