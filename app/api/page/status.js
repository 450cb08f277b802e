// The state of the connection, and what is wrong with it.
const shapes = {
  connected: "up", degraded: "impaired", upstream_lost: "down", reset_window: "resting", paused: "paused", connecting: "working",
  reconnecting: "working",
};
const plainly = { connecting: "Connecting", reconnecting: "Reconnecting", upstream_lost: "IBKR unreachable" };
// lasting: after a minute of reconnecting, having no connection is the news.
const lasting = () => st.state === "reconnecting" && Date.now() - new Date(st.since) >= 60e3;
const downSince = () => st.lost_at && new Date(st.lost_at) < new Date(st.since) ? st.lost_at : st.since;
// looking: before the first connection ever there is no outage.
const looking = () => st.first_run && st.state === "connecting";
const headline = () => lasting() ? "No connection" : !looking() && plainly[st.state] || clean(st.headline); // without what counts down
const mode = () => st.gateway.mode === "paper" || st.gateway.mode === "live" ? st.gateway.mode.toUpperCase() : "";
const absent = () => hangs ? "Gatewatch is not responding" : "Gatewatch is not running";
const farmOf = name => clean(st?.farm_names?.[name] ?? "Data farm " + name);
let settings = null, busy = false;

function address(g) {
  if (!g.host) return none;
  if (!g.port) return clean(g.host) + ", looking for the port";
  return (g.host.includes(":") ? "[" + clean(g.host) + "]" : clean(g.host)) + ":" + g.port;
}
function attempt() {
  const a = st.attempt;
  return !a.number ? "" : "Attempt " + a.number + (a.running ? " is under way" : !a.next_at ? " is next"
    : " in " + span(Math.max(0, Math.ceil((new Date(a.next_at) - Date.now()) / 1e3))));
}
// layers returns rows of shape, name, word, since when, and more.
function layers() {
  const l = st.layers, since = st.layers_since ?? {}, names = Object.keys(l.farms ?? {}).sort();
  const by = state => names.filter(f => l.farms[f] === state).map(farmOf), up = by("ok").length, down = by("broken").length;
  const plain = (name, is, at, told = true) => [!told ? "unknown" : is ? "up" : "down", name, !told ? "not known" : is ? "up" : "down", told && at];
  const farms = ["unknown", "Data farms", l.upstream ? "none reported" : "not known"];
  if (l.upstream && names.length) {
    const none = st.cause_id === "competing_session";
    farms[0] = none || down ? "impaired" : up ? "up" : "unknown";
    farms[2] = none ? "no prices" : down ? up + " up, " + down + " down" : up ? up + " up" : "resting";
    farms[3] = since.farms;
    farms[4] = joined([["broken", "down"], ["connecting", "connecting"], ["dormant", "dormant"], ["ok", "up"]]
      .map(([state, word]) => by(state).length && word + ": " + by(state).join(", ")));
  }
  const sends = st.guard.open && !failing().some(f => f.step === "orders");
  return [plain("Socket", l.socket, since.socket), plain("API", l.api, since.api), plain("IBKR", l.upstream, since.upstream, l.api), farms,
    [sends ? "up" : "down", "Orders", clean(st.guard.text)]];
}
const failing = () => listOf(st.failing ?? null);
function layerRow([shape, name, word, since, more]) {
  const told = el("td", "", word, ...more ? [el("div", "fine", more)] : []);
  return row([sign(shape), " " + name], told, since || "");
}
function details() {
  const g = st.gateway, w = st.reset_window, r = st.restart, { round_trip_ms: ms, clock_skew_seconds: skew } = st.probe;
  const list = [["Gateway", address(g)]], add = (yes, name, value) => yes && list.push([name, value]), up = st.layers.socket;
  add(st.layers.api, "Account", (st.demo ? "DEMO" : mode() || none) + (g.accounts > 1 ? " · " + g.accounts + " accounts" : ""));
  add(g.server_version, "Protocol", g.server_version + (up && ms > 0 ? " · answers in " + (ms < 1 ? "less than 1" : ms.toFixed(0)) + " ms" : ""));
  add(up && Math.abs(skew) >= 2, "Clock", "Gateway's is " + span(Math.abs(skew)) + (skew < 0 ? " behind" : " ahead of") + " this one");
  add(true, "Session", (st.session ? "number " + st.session : "none") + (st.sessions_lost ? " · " + st.sessions_lost + " lost so far" : ""));
  add(true, "Reset window", w.active ? "now" + (w.ends_at ? ", until " + clock(w.ends_at) + " (" + until(w.ends_at) + " left)" : "")
    : w.next_at ? "next " + clock(w.next_at) + " (in " + until(w.next_at) + ")" : "none");
  add(r.at, r.kind === "logoff" ? "Gateway logs off" : "Gateway restarts",
    new Date(r.at) > Date.now() ? "at " + clock(r.at) + " (in " + until(r.at) + ")" : "now, since " + clock(r.at));
  const sent = { on: "kept, and sent when IBKR is connected again", off: "rejected" }[g.resubmits_orders];
  add(sent, "Orders sent while IBKR is disconnected", sent);
  return list;
}
const checklist = "1. Start IB Gateway or TWS and log in.\n2. Open its settings: Configure, Settings, API, Settings.\n" +
  "3. Enable “ActiveX and Socket Clients”.\n4. Compare the socket port: 4002, 7497, 4001 and 7496 are found automatically; " +
  "any other goes into settings.json below (gateway.port).\n5. Wait: Gatewatch connects by itself.";
// tried says what each port has answered.
const tried = () => listOf(st.tried ?? null).map(t => "Port " + t.port +
  (t.usually === "unknown" ? "" : " (usually " + clean(t.usually).toUpperCase() + ")") + ": " + clean(t.text)).join("\n");
// banner returns the cause and the hint; empty while all is well.
function banner() {
  if (lost) return [absent() + " (since " + clock(lost) + ").", (hangs
    ? "It may hang, or the computer may be very busy. Nothing is known of the connection or of its rules. If this lasts, restart Gatewatch " +
      "on its computer: quit it in the tray or end its process, start it again, and check your orders in TWS."
    : "Nothing is known of the connection, and no rule places orders, until Gatewatch runs again. Start it on its computer, from the " +
      "applications or with “gatewatch”. This page finds it again by itself.") + unwatched()];
  if (!st) return ["", ""];
  const faults = joined(failing().map(f => clean(f.text) + (f.detail ? " (" + clean(f.detail) + ")" : "")), " ");
  const advice = joined([...new Set(failing().map(f => clean(f.hint)))], " ");
  if (st.state === "connected" && !st.held.text) return [faults, advice];
  if (looking() && ["", "refused", "unreachable"].includes(st.cause_id))
    return ["Welcome. " + headline(), (tried() + "\n\n" + checklist).trim()];
  const cause = clean(st.cause) || (st.state === "connecting" ? "Connecting to Gateway for the first time." : headline());
  return [joined([clean(st.held.text), (!st.held.text || st.state !== "connected") && cause], " "),
    (looking() ? tried() + "\n\n" : "") + joined([clean(st.held.hint), clean(st.hint), faults, advice], " ")];
}
// unwatched lists the orders that were open when Gatewatch was last heard.
function unwatched() {
  const open = listOf(parts.orders.body?.orders ?? null).filter(o => o.open), n = parts.orders.body ? open.length : st ? st.trading.orders_open : 0;
  if (!n) return "";
  return "\n" + (n === 1 ? "1 order was open at IBKR, and nothing watches it now. Check it in TWS."
    : n + " orders were open at IBKR, and nothing watches them now. Check them in TWS.") +
    open.slice(0, 5).map(o => "\n• " + clean(o.text)).join("") + (open.length > 5 ? "\nand " + (open.length - 5) + " more: see Orders" : "");
}
function render() {
  renderStatus();
  if (!document.hidden) renderTrading();
}
// renderStatus shows what the last status says, now. Of a page that cannot be seen, its title can.
function renderStatus() {
  const gone = !here(), held = !gone && st.held.text, calm = !gone && st.state === "connected" && !held;
  const blocked = held || !gone && failing().some(f => f.step === "orders"), urgent = !gone && failing().some(f => f.urgent);
  const shape = lost ? "down" : gone ? "unknown" : lasting() ? "down" : st.state !== "connected" ? shapes[st.state] ?? "unknown"
    : blocked ? "blocked" : urgent ? "impaired" : "up";
  const title = lost ? absent() : gone ? "Looking for Gatewatch…" : headline(), badge = gone ? "" : st.demo ? "DEMO" : mode();
  write($("title"), (badge === "DEMO" ? "DEMO · " : "") + title + " · Gatewatch");
  if (document.hidden) return;
  attribute(document.body, "data-state", gone ? "gone" : st.state);
  say("headline", title);
  say("since", lost ? sinceFor(lost) : gone || looking() ? "" : sinceFor(st.held.closed ? st.held.since : downSince()));
  say("badge", badge);
  $("badge").classList.toggle("live", badge === "LIVE");
  show("badge", badge !== "");
  const up = !gone && st.layers.socket && st.layers.api, [cause, hint] = banner();
  say("cause", cause);
  say("hint", hint);
  show("banner", cause !== "");
  attribute($("banner"), "data-shape", calm && shape === "up" ? "impaired" : shape);
  draw("sign", shape);
  draw("banner-sign", $("banner").dataset.shape);
  say("attempt", gone ? "" : attempt());
  show("connect", !gone && !up);
  show("disconnect", up);
  for (const id of ["connect", "disconnect", "saveport"]) $(id).disabled = busy || !token;
  show("notoken", !token);
  say("support-text", gone ? "" : joined([clean(st.gateway.unsupported), clean(st.restart.hint)], " "));
  show("support", $("support-text").textContent !== "");
  say("failed", failure);
  show("failed", failure !== "");
  const first = !gone && settings && !settings.found, answered = first && up && st.gateway.port, region = first && settings.suggestion?.region;
  show("first", Boolean(answered || region));
  say("found", "Welcome." + (answered ? " " + address(st.gateway) + " has answered" + (mode() ? " with a " + mode() + " account." : ".") : ""));
  say("suggested", clean(first ? settings.suggestion?.text : ""));
  say("saveport", !answered ? "Save this reset window" : region ? "Save this port and reset window" : "Save this port");
  rows("layers", gone ? ["Socket", "API", "IBKR", "Data farms", "Orders"].map(name => ["unknown", name, none])
    : layers().map(l => [l[0], l[1], l[2], known(l[3]) ? "since " + clock(l[3]) : "", l[4]]), layerRow);
  rows("details", gone ? [["Gateway", st ? address(st.gateway) : none]] : details(), cells => row(...cells));
  const t = gone ? null : st.today;
  figures("today", [["Uptime today", percent(t?.uptime_percent)], ["Outages", t ? String(t.outages) : none],
    ["Longest", t?.outages ? length(t.longest_seconds) : none]]);
  if (t) bar("today-bar", t);
  const muted = !gone && st.muted_until && new Date(st.muted_until) > Date.now();
  say("muted", muted ? "Notifications are muted until " + clock(st.muted_until) + "." : "");
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
  const changed = { ...settings.suggestion?.settings ?? settings.settings };
  if (st.layers.api) changed.gateway = { ...changed.gateway, port: st.gateway.port };
  await send("PUT", "/settings", JSON.stringify(changed, null, 2) + "\n");
  readPart(parts.settings);
});
function paintSettings(view) {
  settings = view;
  result("settings-note", view.problem ? "The file is refused; the settings read last stay in effect.\n" + view.problem : "", true);
}
