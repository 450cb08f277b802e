// The state of the connection and what is wrong with it, in the words of the server.
const absent = () => hangs ? words.notResponding : words.notRunning;
const mode = () => here() ? st.shown.badge : "";
let settings = null, busy = false;

// moment is a line's text with the moment that belongs to it, and how long it is until then.
const moment = ({ text, at }) =>
  joined([text, at && clock(at), new Date(at) > Date.now() && "(in " + until(at) + ")"], " ");
const attempt = ({ text, at }) => text + (at ? " in " + span(Math.ceil((new Date(at) - Date.now()) / 1e3)) : "");
function layerRow([shape, name, word, since, more]) {
  return row([sign(shape), " " + name], el("td", "", word, ...more ? [el("div", "fine", more)] : []), since);
}
// absence returns what to do while Gatewatch does not answer, with the orders that were open then.
function absence() {
  const open = listOf(parts.orders.body?.orders ?? null).filter(o => o.open);
  return joined([hangs ? words.restart : words.start,
  ...!st?.shown.unwatched ? [] : [st.shown.unwatched, ...open.slice(0, 5).map(o => "• " + clean(o.text)),
    open.length > 5 && "and " + (open.length - 5) + " more: see Orders"]], "\n");
}
function render() {
  renderStatus();
  if (!document.hidden) renderTrading();
}
// renderStatus shows what the last status says, now. Of a page that cannot be seen, its title can.
function renderStatus() {
  const s = here() ? st.shown : null, shape = lost ? "down" : s ? s.shape : "unknown", badge = mode();
  const title = lost ? absent() : s ? s.title : words.looking;
  write($("title"), joined([badge === "DEMO" && badge, title, "Gatewatch"]));
  if (document.hidden) return;
  attribute(document.body, "data-state", s ? st.state : "gone");
  const up = s && st.layers.socket && st.layers.api, offer = s && settings?.offer;
  const cause = lost ? absent() + " (since " + clock(lost) + ")." : s?.cause;
  const muted = s && st.muted_until && new Date(st.muted_until) > Date.now();
  for (const [id, text] of Object.entries({
    headline: title, since: sinceFor(lost ?? s?.since), badge, cause, hint: lost ? absence() : s?.hint,
    attempt: s && attempt(s.attempt), "support-text": s?.notice, failed: failure, found: offer?.title,
    suggested: offer?.text, unsaved: words.nothingSaved, saveport: offer?.button, today: s ? s.today : words.todayNotKnown,
    muted: muted && "Notifications muted until " + clock(st.muted_until),
  })) say(id, text || "");
  for (const [id, yes] of Object.entries({ banner: cause, connect: s && !up, disconnect: up, notoken: !token,
    support: s?.notice, first: offer })) show(id, yes);
  for (const id of ["connect", "disconnect", "saveport"]) $(id).disabled = busy || !token;
  $("badge").classList.toggle("live", badge === "LIVE");
  attribute($("banner"), "data-shape", shape === "up" ? "impaired" : shape);
  draw("sign", shape);
  draw("banner-sign", $("banner").dataset.shape);
  const { layers = [], details = [] } = st?.shown ?? {}; // what is out of date is not shown
  rows("layers", layers.map(l => s ? [l.shape, l.name, l.text, l.at ? "since " + clock(l.at) : "", l.more]
    : ["unknown", l.name, none, "", ""]), layerRow);
  rows("details", (s ? details : details.slice(0, 1)).map(d => [d.name, moment(d)]), cells => row(...cells));
  if (s) bar("today-bar", st.today);
}
async function send(method, path, body) {
  [busy, failure] = [true, ""];
  render();
  await request(method, path, body).catch(e => { failure = e.message; });
  busy = false;
  render();
}
$("connect").addEventListener("click", () => send("POST", "/connect_ib"));
$("disconnect").addEventListener("click", () => send("POST", "/disconnect_ib"));
$("saveport").addEventListener("click", async () => {
  await send("PUT", "/settings", JSON.stringify(settings.offer.settings, null, 2) + "\n");
  readPart(parts.settings);
});
function paintSettings(view) {
  settings = view;
  const refused = "The file is refused; the settings read last stay in effect.\n";
  result("settings-note", view.problem ? refused + view.problem : "", true);
}
