// What is read besides the status: every minute while the page can be seen, and soon after a change, since the log is written a
// moment after it. What came last stays where an answer is missing or bad.
table("unsent", "Blocked orders, the newest first", "Time", "Order", "Rule", "Why");
table("log", "Connection log, the newest first", "Time", "Event", "Detail");
table("messages", "Messages from Gateway, the newest first", "Last", "Times", "Code", "Message");
table("alerts", "Channels for alerts", "Channel", "Test", "Waiting", "Last sent", "Last error");
const parts = {
  history: { path: "/uptime?days=90", paint: paintHistory },
  log: { path: "/log?limit=50", paint: paintLog },
  messages: { path: "/messages", paint: paintMessages },
  alerts: { path: "/alerts", paint: paintAlerts },
  settings: { path: "/settings", paint: paintSettings },
  rules: { path: "/rules", paint: paintRules },
  orders: { path: "/orders", paint: paintOrders },
};
let timer = 0, was = "", traded = "", stream = null, quiet = 0;
function readAll() {
  if (document.hidden) return;
  Object.values(parts).forEach(readPart);
  files.forEach(f => f.read());
}
function soon() { timer ||= setTimeout(() => { timer = 0; readAll(); }, 1e3); }
async function readPart(part) {
  if (part.reading) { part.again = true; return part.reading; }
  part.reading = readOnce(part);
  await part.reading;
  part.reading = null;
  if (part.again) { part.again = false; return readPart(part); }
  render();
}
// readOnce paints an answer that is not as it was. What was painted on another day has to say so.
async function readOnce(part) {
  if (!token) return note(part, part.at ? "this page no longer has access" : "", "Shown only to you: open this page from the tray, or with “gatewatch open”.");
  try {
    const { data, text } = await request("GET", part.path), now = new Date(), key = now.toDateString() + text;
    if (part.key !== key) paintPart(part, data);
    [part.key, part.at] = [key, now];
    note(part, "", part.words);
  } catch (e) {
    note(part, e.message);
  }
}
function paintPart(part, body) {
  try {
    [part.words, part.body] = [part.paint(body), body];
  } catch {
    part.key = ""; // it may be painted in part
    throw new Error("the answer cannot be read");
  }
}
function note(part, problem, words = "") {
  const name = Object.keys(parts).find(n => parts[n] === part);
  result(name + "-note", problem ? "This cannot be brought up to date: " + clean(problem).replace(/\.$/, "") + "." +
    (part.at ? " What is shown is of " + clock(part.at) + "." : "") : words, problem);
  if ($(name + "-shown") && !problem) show(name + "-shown", $(name + "-rows").children.length > 0);
}
// Rules and orders are read every three seconds, as by the window, while they can be seen: prices come without an event.
const inView = new Set();
const watcher = new IntersectionObserver(list => {
  for (const e of list) e.isIntersecting ? inView.add(e.target.id) : inView.delete(e.target.id);
});
for (const name of ["rules", "orders"]) watcher.observe($(name));
document.addEventListener("visibilitychange", () => { render(); readAll(); });

// An EventSource cannot send the token. A server that works says something each second. Silence is counted in steps of this page's own
// time: while the computer sleeps or the browser holds the page back, nothing can be heard.
const step = 250, mostSteps = 11, second = 1000 / step; // within 3 s
const atOnce = "follow again at once", silent = "no heartbeat";
let steps = 0;
setInterval(() => {
  if (++quiet === mostSteps) stream?.abort(silent);
  if (++steps % second) return;
  renderStatus(); // it counts
  if (steps % (60 * second) === 0) readAll();
  else if (steps % (3 * second) === 0 && !document.hidden) inView.forEach(name => readPart(parts[name]));
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
  const now = JSON.stringify([st.state, st.since, st.session, st.cause_id, st.alerts, st.gateway.unsupported, st.restart.hint]);
  if (was && was !== now || !settings?.found) soon();
  const trade = JSON.stringify([st.trading, st.connected]);
  if (traded !== trade && !document.hidden) ["rules", "orders"].forEach(name => readPart(parts[name]));
  [was, traded] = [now, trade];
  render();
}
addEventListener("hashchange", async () => { await takeCode(); stream?.abort(atOnce); readAll(); });
takeCode().then(() => { follow(); readAll(); });
render();
