// What was: the timeline with its table, the log, messages from Gateway, alerts.
const kinds = Object.entries({
  connected: "Connected", down: "Down", planned: "Planned", paused: "Paused", asleep: "Asleep",
  not_observed: "Not observed",
});
const kinded = (kind, className = "") => { const e = el("div", className); e.dataset.kind = kind; return e; };

// The table has the figures of “gatewatch uptime”.
table("history", "Uptime of the last hours and days, and of each local day", "Time", "Uptime", "Outages", "Longest",
  "In market hours", "Mean to recover", "Mean between", ...kinds.map(([, word]) => word));
function paintHistory(u) {
  const [today] = u.periods, from = new Date(today.from).getTime(), all = new Date(today.until) - from;
  const style = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
  const named = [...u.periods.map(p => ["Last " + p.name.replace("h", " h").replace("d", " days"), p]),
    ...u.days.filter(d => Date.parse(d.until) > Date.parse(u.observed_since))
      .map(d => [dateOf(new Date(d.name + "T12:00"), style), d]).reverse()];
  list("history-rows", named, ([name, p]) => row(name, percent(p.uptime_percent), p.outages, length(p.longest_seconds),
    percent(p.market_uptime_percent), length(p.mean_seconds), length(p.mean_between_seconds),
    ...kinds.map(([kind]) => length(p[kind + "_seconds"]))));
  $("graph").replaceChildren(strip(listOf(u.spans), from, all), hours(from, all));
  attribute($("graph"), "aria-label", "Timeline of the last 24 hours: uptime " + percent(today.uptime_percent) +
    ", outages " + today.outages + ". The log below says when.");
  list("legend", kinds,
    ([kind, word]) => el("li", "", kinded(kind, "chip"), word + (kind === "down" ? ", marked above" : "")));
  return joined(["Uptime = connected ÷ (observed − planned − paused).",
    u.market_hours && "Market hours: " + u.market_hours + ".",
    "As of " + joined([clock(u.at), u.zone], ", ") + ".",
    u.observed_since ? "Observed since " + stamp(u.observed_since) + "." : words.nothingObserved], " ");
}

// The 24 hours. What is too short to be seen, and no outage, is drawn with what was before it.
function strip(spans, from, all) {
  const drawn = [];
  for (const s of spans) {
    const start = new Date(s.from) - from, end = new Date(s.until) - from, last = drawn.at(-1);
    const small = s.kind !== "down" && s !== spans.at(-1) && end - start < 30e3;
    if (last && (last.kind === s.kind || small)) last.end = end;
    else drawn.push({ start, end, kind: s.kind });
  }
  return el("div", "strip", ...drawn.map(({ start, end, kind }) => {
    const e = kinded(kind), word = kinds.find(([k]) => k === kind)?.[1] ?? kind;
    e.title = word + ", " + stamp(from + start) + " – " + stamp(from + end);
    [e.style.left, e.style.width] = [start / all * 100 + "%", (end - start) / all * 100 + "%"];
    return e;
  }));
}
function hours(from, all) {
  const axis = el("div", "axis"), first = new Date(from).setMinutes(0, 0, 0);
  for (let at = first + 3600e3; at < from + all; at += 3600e3) {
    const t = new Date(at), hour = t.getHours(), place = (at - from) / all * 100;
    const named = hour % 3 === 0 && place > 3 && place < 97, tick = el(named ? "span" : "i", hour % 6 ? "minor" : "");
    if (named) tick.append(hour ? timeOf(t, 5) : dateOf(t, { weekday: "short" }));
    tick.style.left = place + "%";
    axis.append(tick);
  }
  return axis;
}
// bar draws how a stretch of time was spent.
function bar(id, p) {
  const spent = kinds.map(([kind, word]) => [kind, word, p[kind + "_seconds"]]).filter(([, , s]) => s > 0);
  attribute($(id), "aria-label", spent.map(([, word, s]) => word + " " + length(s)).join(", ") || "Nothing yet");
  list(id, spent.map(([kind, , s]) => [kind, Math.round(s / p.seconds * 500)]), ([kind, share]) => {
    const e = kinded(kind);
    e.style.flexGrow = share;
    return e;
  });
}

table("log", "Connection log, the newest first", "Time", "Event", "Detail");
function paintLog(l) {
  const records = listOf(l.records).map((r, i) => [r, l.texts[i]]).reverse();
  list("log-rows", records,
    ([r, text]) => row(stamp(r.time), wide(text), wide(r.event === "farm" ? "" : r.detail)));
  return !records.length ? words.nothingRecorded
    : l.more ? "The newest " + records.length + "; “gatewatch log” shows more." : "";
}
table("messages", "Messages from Gateway, the newest first", "Last", "Times", "Code", "Message");
function paintMessages(m) {
  list("messages-rows", listOf(m.messages), m => row(stamp(m.last), m.count, m.code, wide(m.text)));
  return m.messages?.length ? "" : words.noMessages;
}
table("alerts", "Channels for alerts", "Channel", "Test", "Waiting", "Last sent", "Last error");
function paintAlerts(a) {
  list("alerts-rows", listOf(a.channels).map(c => [c, here()]), channelRow, ([c]) => c.name);
  return a.channels?.length ? "" : words.noChannels;
}
function channelRow([c, can]) {
  const test = button("Test", b => {
    act(b, "alerts", "/alerts/test", { channel: c.name }, ({ results: [one] }) => {
      if (!one.ok) throw new Error(c.name + ": " + one.error);
      return c.name + ": the test was sent.";
    });
    say("alerts-result", "Testing " + c.name + "…");
  }, c.name);
  const wrong = c.last_error && c.last_error + (c.last_error_at ? " (" + stamp(c.last_error_at) + ")" : "");
  return row([c.name, el("div", "fine", c.service)], el("td", "", allow(test, can, "alerts-note")),
    c.queued + (c.queued && c.oldest_at ? ", since " + clock(c.oldest_at) : ""),
    c.last_sent_at ? stamp(c.last_sent_at) : none, el("td", wrong ? "wide error" : "wide", wrong || none));
}
