// What is read besides the status: every minute while the page can be seen, and soon after a change, since the log is
// written a moment after it. What came last stays where an answer is missing or bad.
const parts = {
  history: { path: "/uptime?days=90", paint: paintHistory },
  log: { path: "/log?limit=50", paint: paintLog },
  messages: { path: "/messages", paint: paintMessages },
  settings: { path: "/settings", paint: paintSettings },
  alerts: { path: "/alerts", paint: paintAlerts, acts: true },
  rules: { path: "/rules", paint: paintRules, acts: true },
  orders: { path: "/orders", paint: paintOrders, acts: true },
};
function readAll() {
  if (document.hidden) return;
  Object.keys(parts).forEach(readPart);
  files.forEach(f => f.read());
}
let timer = 0;
function soon() { timer ||= setTimeout(() => { timer = 0; readAll(); }, 1e3); }
function readPart(name) {
  const part = parts[name];
  part.again = true;
  return part.reading ??= (async () => {
    for (; part.again; await readOnce(part)) part.again = false;
    part.reading = null;
    render();
  })();
}
// readOnce paints an answer that is not as it was. What was painted on another day has to say so.
async function readOnce(part) {
  if (!token) { part.problem = part.at && "this page no longer has access"; return; }
  try {
    const { data, text } = await request("GET", part.path), now = new Date(), key = now.toDateString() + text;
    if (part.key !== key) paint(part, data);
    [part.key, part.at, part.problem] = [key, now, ""];
  } catch (e) {
    part.problem = e.message;
  }
}
function paint(part, body) {
  const was = part.body;
  try {
    part.body = body; // what can be done depends on it
    part.words = part.paint(body);
  } catch {
    [part.body, part.key] = [was, ""]; // it may be painted in part
    throw new Error("the answer cannot be read");
  }
}
// note says below a part what is to be known of it. That Gatewatch does not answer is said once, at the top.
function note(name, { at, problem, words }) {
  const why = !lost && problem, old = at ? " What is shown is of " + clock(at) + "." : "";
  result(name + "-note", why ? "This cannot be brought up to date: " + why.replace(/\.?$/, ".") + old
    : token ? words : "Shown only to you: open this page from the tray, or with “gatewatch open”.", why);
  if ($(name + "-shown")) show(name + "-shown", $(name + "-rows").children.length > 0);
}
function render() {
  renderStatus();
  if (document.hidden) return;
  renderTrading();
  for (const [name, part] of Object.entries(parts)) {
    if (part.acts && part.body) part.paint(part.body);
    note(name, part);
  }
  allow($("cancel-all"), here() && st.connected, "orders-reason", openOrders() > 0);
  files.forEach(f => f.allow());
}
// Rules and orders are read every three seconds, as by the window, while they can be seen: prices come without event.
const inView = new Set();
const watcher = new IntersectionObserver(list => {
  for (const e of list) e.isIntersecting ? inView.add(e.target.id) : inView.delete(e.target.id);
});
for (const name of ["rules", "orders"]) watcher.observe($(name));
document.addEventListener("visibilitychange", () => { render(); readAll(); });

// An EventSource cannot send the token. A server that works says something each second. Silence is counted in steps of
// this page's own time: while the computer sleeps or the browser holds the page back, nothing can be heard.
const step = 250, mostSteps = 11, second = 1000 / step; // within 3 s
const atOnce = "follow again at once", silent = "no heartbeat";
let was = "", traded = "", stream = null, quiet = 0, steps = 0;
setInterval(() => {
  if (++quiet === mostSteps) stream?.abort(silent);
  if (++steps % second) return;
  renderStatus(); // it counts
  if (steps % (60 * second) === 0) readAll();
  else if (steps % (3 * second) === 0 && !document.hidden) inView.forEach(readPart);
}, step);
async function follow() {
  stream = new AbortController();
  quiet = 0;
  const sent = token;
  try {
    const answer = await fetch("/events", { headers: signed(), signal: stream.signal });
    if (answer.status === 401) { sent === token && refused(); stream.abort(atOnce); }
    if (!answer.ok) throw new Error(answer.statusText);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ;) {
      const { value, done } = await reader.read();
      if (done) break;
      quiet = 0;
      const events = (text + value).split("\n\n");
      text = events.pop();
      events.forEach(takeEvent);
    }
  } catch { /* the same as its end */ }
  const switched = stream.signal.reason === atOnce;
  if (!switched) {
    hangs = stream.signal.reason === silent;
    if (!lost) { lost = new Date().toISOString(); soon(); }
  }
  render();
  setTimeout(follow, switched ? 0 : 500);
}
function takeEvent(text) {
  const data = /^event: status\ndata: (.*)$/.exec(text);
  if (!data) return;
  if (lost) soon();
  [lost, hangs, st] = [null, false, JSON.parse(data[1])];
  const now = JSON.stringify(
    [st.state, st.since, st.session, st.cause_id, st.alerts, st.gateway.unsupported, st.restart.hint]);
  if (was && was !== now || !settings?.found) soon();
  const trade = JSON.stringify([st.trading, st.connected]);
  if (traded !== trade && !document.hidden) ["rules", "orders"].forEach(readPart);
  [was, traded] = [now, trade];
  render();
}
addEventListener("hashchange", async () => { await takeCode(); stream?.abort(atOnce); readAll(); });
takeCode().then(() => { follow(); readAll(); });
render();
