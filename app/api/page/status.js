// The state of the connection and what is wrong with it, in the words of the server.
const absent = () => hangs ? words.notResponding : words.notRunning;
const badge = () => here() ? st.shown.badge : "";
let settings = null;

// moment is a line's text with its moment, and how long it is until then: above two minutes in whole ones, so that it
// does not flicker.
function moment({ text, at }) {
  const s = left(at), until = s > 0 && "(in " + (s < 120 ? s + " s" : minutes(s + 59)) + ")";
  return joined([text, at && clock(at), until], " ");
}
// absence returns what to do while Gatewatch does not answer, with the orders that were open then.
function absence() {
  const open = st?.shown.unwatched && parts.orders.body?.orders.filter(o => o.open) || [];
  const more = open.length > 5 && "and " + (open.length - 5) + " more: see Orders";
  return joined([hangs ? words.restart : words.start, words.outOfDate, st?.shown.unwatched,
    ...open.slice(0, 5).map(o => "• " + o.text), more], "\n");
}
const layerRow = ([shape, name, text, since, more]) =>
  row([sign(shape), " " + name], [text, el("span", "since", since), el("div", "fine", more)]);
// renderStatus shows what the last status says, now. Of a page that cannot be seen, its title can.
function renderStatus() {
  const s = here() ? st.shown : null, shape = lost ? "down" : s ? s.shape : "unknown";
  const title = lost ? absent() : s ? s.title : words.looking;
  say("title", joined([badge() === "DEMO" && "DEMO", title, !title.includes("Gatewatch") && "Gatewatch"]));
  if (document.hidden) return;
  attribute(document.body, "data-state", s ? st.state : "gone");
  const up = s && st.layers.socket && st.layers.api, offer = s && settings?.offer;
  const cause = lost ? hangs ? words.notRespondingMeans : words.notRunningMeans : s?.cause;
  for (const [id, text] of Object.entries({
    headline: title, since: sinceFor(lost ?? s?.since), badge: badge(), cause, hint: lost ? absence() : s?.hint,
    attempt: s && s.attempt.text + (s.attempt.at ? " in " + span(left(s.attempt.at)) : ""), "support-text": s?.notice,
    found: offer?.title, suggested: offer?.text, unsaved: words.nothingSaved, saveport: offer?.button,
    today: s ? s.today : words.todayNotKnown,
    muted: s && left(st.muted_until) > 0 && "Notifications muted until " + clock(st.muted_until),
  })) say(id, text || "");
  for (const [id, yes] of Object.entries({
    banner: cause, connect: s && !up, disconnect: up, notoken: !token, support: s?.notice, first: offer,
  })) show(id, yes);
  for (const id of ["connect", "disconnect", "saveport"]) allow($(id), true);
  $("badge").classList.toggle("live", badge() === "LIVE");
  const tone = shape === "up" ? "impaired" : shape;
  draw("sign", shape);
  draw("banner-sign", tone);
  $("banner").style.setProperty("--tone", "var(--" + tone + ")");
  const { layers = [], details = [] } = st?.shown ?? {}; // what is out of date is not shown
  list("layers", layers.map(l => s ? [l.shape, l.name, l.text, l.at ? "since " + clock(l.at) : "", l.more]
    : ["unknown", l.name, none, ""]), layerRow);
  list("details", (s ? details : details.slice(0, 1)).map(d => [d.name, moment(d)]), cells => row(...cells));
  show("today-bar", s);
  if (s) bar("today-bar", st.today);
}
onPress($("connect"), b => act(b, "failed", "/connect_ib"));
onPress($("disconnect"), b => act(b, "failed", "/disconnect_ib"));
onPress($("saveport"), async b => {
  await act(b, "failed", "/settings", settings.offer.settings, "", "PUT");
  readPart("settings");
});
function paintSettings(view) {
  settings = view;
  say("settings-problems", view.problem ? "The file is refused and not in effect.\n" + view.problem : "");
}
