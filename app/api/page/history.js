// What was: the timeline with its table, the log, messages from Gateway, alerts.
const kinds = [["connected", "Connected"], ["down", "Down"], ["planned", "Planned"], ["paused", "Paused"],
  ["asleep", "Asleep"], ["not_observed", "Not observed"]];
const kinded = (kind, className = "") => { const e = el("div", className); e.dataset.kind = kind; return e; };

// The table has the figures of “gatewatch uptime”.
table("history", "Uptime of the last hours and days, and of each local day", "Time", "Uptime", "Outages", "Longest",
  "In market hours", "Mean to recover", "Mean between", ...kinds.map(([, word]) => word));
function paintHistory(u) {
  const [day] = u.periods, from = new Date(day.from).getTime(), all = new Date(day.until) - from;
  const style = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
  const named = [...u.periods.map(p => ["Last " + p.name.replace("h", " h").replace("d", " days"), p]),
    ...u.days.map(d => [dateOf(new Date(d.name + "T12:00"), style), d]).reverse()];
  const list = named.map(([name, p]) => [name, percent(p.uptime_percent), String(p.outages), length(p.longest_seconds),
    percent(p.market_uptime_percent), length(p.mean_seconds), length(p.mean_between_seconds),
    ...kinds.map(([kind]) => length(p[kind + "_seconds"]))]);
  $("graph").replaceChildren(strip(listOf(u.spans), from, all), hours(from, all));
  attribute($("graph"), "aria-label", "Timeline of the last 24 hours: uptime " + percent(day.uptime_percent) +
    ", outages " + day.outages + ". The log below says when.");
  rows("legend", kinds, ([kind, word]) => el("li", "", kinded(kind, "chip"), word + (kind === "down" ? ", marked above" : "")));
  rows("history-rows", list, cells => row(...cells));
  return joined(["Uptime = connected ÷ (observed − planned − paused).", u.market_hours && "Market hours: " + clean(u.market_hours) + ".",
    "As of " + clock(u.at) + (u.zone ? ", " + clean(u.zone) : "") + ".",
    u.observed_since ? "Observed since " + stamp(u.observed_since) + "." : words.nothingRecorded], " ");
}

// The 24 hours. What is too short to be seen, and no outage, is drawn with what was before it.
function strip(spans, from, all) {
  const drawn = [];
  for (const s of spans) {
    const start = new Date(s.from) - from, end = new Date(s.until) - from, last = drawn.at(-1);
    if (last && (last.kind === s.kind || s.kind !== "down" && s !== spans.at(-1) && end - start < 30e3)) last.end = end;
    else drawn.push({ start, end, kind: s.kind });
  }
  return el("div", "strip", ...drawn.map(({ start, end, kind }) => {
    const e = kinded(kind);
    e.title = (kinds.find(([k]) => k === kind)?.[1] ?? kind) + ", " + stamp(from + start) + " – " + stamp(from + end);
    [e.style.left, e.style.width] = [start / all * 100 + "%", (end - start) / all * 100 + "%"];
    return e;
  }));
}
function hours(from, all) {
  const axis = el("div", "axis"), first = new Date(from).setMinutes(0, 0, 0);
  for (let at = first + 3600e3; at < from + all; at += 3600e3) {
    const t = new Date(at), hour = t.getHours(), left = (at - from) / all * 100;
    const named = hour % 3 === 0 && left > 3 && left < 97, tick = el(named ? "span" : "i", hour % 6 ? "minor" : "");
    if (named) tick.append(hour ? t.toTimeString().slice(0, 5) : dateOf(t, { weekday: "short" }));
    tick.style.left = left + "%";
    axis.append(tick);
  }
  return axis;
}
// bar draws how a stretch of time was spent.
function bar(id, p) {
  const spent = kinds.map(([kind, word]) => [kind, word, p[kind + "_seconds"]]).filter(([, , s]) => s > 0);
  attribute($(id), "aria-label", spent.map(([, word, s]) => word + " " + length(s)).join(", ") || "Nothing yet");
  rows(id, spent.map(([kind, , s]) => [kind, Math.round(s / p.seconds * 500)]), ([kind, share]) => {
    const e = kinded(kind);
    e.style.flexGrow = share;
    return e;
  });
}

function paintLog(l) {
  const list = listOf(l.records).map((r, i) => [stamp(r.time), clean(l.texts[i]), r.event === "farm" ? "" : clean(r.detail)]).reverse();
  rows("log-rows", list, ([time, ...texts]) => row(time, ...texts.map(text => el("td", "wide", text))));
  return !list.length ? words.nothingRecorded : l.more ? "The newest " + list.length + "; “gatewatch log” shows more." : "";
}
function paintMessages(m) {
  const list = listOf(m.messages).map(one => [stamp(one.last), String(one.count), String(one.code), clean(one.text)]);
  rows("messages-rows", list, ([last, count, code, text]) => row(last, count, code, el("td", "wide", text)));
  return list.length ? "" : words.noMessages;
}
const channels = new Map();
function paintAlerts(a) {
  hold(channels, "alerts-rows", listOf(a.channels), c => c.name, channelRow, (n, c) => {
    write(n.service, clean(c.service));
    write(n.queued, c.queued + (c.queued && c.oldest_at ? ", since " + clock(c.oldest_at) : ""));
    write(n.sent, c.last_sent_at ? stamp(c.last_sent_at) : none);
    write(n.wrong, c.last_error ? clean(c.last_error) + (c.last_error_at ? " (" + stamp(c.last_error_at) + ")" : "") : none);
    n.wrong.className = c.last_error ? "wide error" : "wide";
  });
  return channels.size ? "" : words.noChannels;
}
function channelRow({ name }) {
  const [service, queued, sent, wrong] = [el("div", "fine"), el("td", ""), el("td", ""), el("td", "")], shown = clean(name);
  const test = button("Test", b => {
    act(b, "alerts", "/alerts/test", { channel: name }, ({ results }) => {
      const one = results.find(r => r.channel === name);
      if (!one.ok) throw new Error(shown + ": " + clean(one.error));
      return shown + ": the test was sent.";
    });
    say("alerts-result", "Testing " + shown + "…");
  }, shown);
  return { item: row([shown, service], el("td", "", test), queued, sent, wrong), service, queued, sent, wrong };
}
