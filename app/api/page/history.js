// What was: the timeline with its table, the log, messages from Gateway, alerts.
const kinds = [["connected", "Connected"], ["down", "Down"], ["planned", "Planned"], ["paused", "Paused"], ["asleep", "Asleep"],
  ["not_observed", "Not observed"]];
const wordOf = kind => kinds.find(([k]) => k === kind)?.[1] ?? clean(kind);
const chip = kind => kinded(el("span", "chip"), kind);
function kinded(e, kind) { e.dataset.kind = kind; return e; }
$("legend").append(...kinds.map(([kind, word]) => el("li", "", chip(kind), kind === "down" ? word + ", marked above" : word)));

function paintHistory(u) {
  const chosen = document.querySelector("#period :checked").value, p = u.periods.find(p => p.name === chosen), outage = p.outages > 0;
  const days = chosen === "24h" ? null : u.days.slice(-parseInt(chosen)), from = new Date(p.from).getTime(), all = new Date(p.until) - from;
  const graph = days ? dayGraph(days) : [strip(listOf(u.spans), from, all), hours(from, all)];
  const table = days ? dayTable(days) : spanTable(listOf(u.spans));
  figures("figures", [["Uptime", percent(p.uptime_percent)], ...u.market_hours ? [["In market hours", percent(p.market_uptime_percent)]] : [],
    ["Outages", String(p.outages)], ["Longest", outage ? length(p.longest_seconds) : none],
    ["Mean to recover", outage ? length(p.mean_seconds) : none],
    ["Mean between outages", p.mean_between_seconds === null ? none : length(p.mean_between_seconds)]]);
  say("figures-terms", "Uptime = connected ÷ (observed − planned − paused), here " + length(p.connected_seconds) + " ÷ (" +
    length(p.seconds - p.asleep_seconds - p.not_observed_seconds) + " − " + length(p.planned_seconds) + " − " + length(p.paused_seconds) +
    ")." + (u.market_hours ? " Market hours: " + clean(u.market_hours) + "." : ""));
  attribute($("graph"), "aria-label", "Timeline of the last " + (days ? days.length + " days" : "24 hours") + ": uptime " +
    percent(p.uptime_percent) + ", outages " + p.outages + ". The table below shows the same.");
  $("graph").dataset.period = chosen;
  $("graph").replaceChildren(...graph);
  $("history").classList.toggle("sums", Boolean(days));
  say("history-caption", table.caption);
  rows("history-columns", [table.columns], columns => head(...columns));
  rows("history-rows", table.rows, table.fill);
  return "As of " + clock(u.at) + (u.zone ? ", " + clean(u.zone) : "") + "." +
    (u.observed_since ? " Observed since " + stamp(u.observed_since) + "." : " Nothing has been recorded yet.");
}
$("period").addEventListener("change", () => { if (parts.history.body) paintHistory(parts.history.body); });

// The 24 hours. What is too short to be seen, and no outage, is drawn with what was before it.
function strip(spans, from, all) {
  const drawn = [];
  for (const s of spans) {
    const start = new Date(s.from) - from, end = new Date(s.until) - from, last = drawn.at(-1);
    if (last && (last.kind === s.kind || s.kind !== "down" && s !== spans.at(-1) && end - start < 30e3)) last.end = end;
    else drawn.push({ start, end, kind: s.kind });
  }
  return el("div", "strip", ...drawn.map(({ start, end, kind }) => {
    const e = kinded(el("div", ""), kind);
    e.title = wordOf(kind) + ", " + stamp(from + start) + " – " + stamp(from + end);
    [e.style.left, e.style.width] = [start / all * 100 + "%", (end - start) / all * 100 + "%"];
    return e;
  }));
}
function hours(from, all) {
  const axis = el("div", "axis"), first = new Date(from).setMinutes(0, 0, 0);
  for (let at = first + 3600e3; at < from + all; at += 3600e3) {
    const hour = new Date(at).getHours(), left = (at - from) / all * 100, place = e => { e.style.left = left + "%"; axis.append(e); };
    place(el("i", ""));
    if (hour % 3 || left < 3 || left > 97) continue;
    place(el("span", hour % 6 ? "minor" : "", hour ? two(hour) + ":00" : dateOf(new Date(at), { weekday: "short" })));
  }
  return axis;
}
function spanTable(spans) {
  const most = 50, list = spans.slice(-most).reverse();
  return {
    caption: "The last 24 hours, the newest first" + (spans.length > most ? ": the newest " + most + " of " + spans.length : ""),
    columns: ["From", "Until", "Kind", "Duration"],
    rows: list.map(s => [stamp(s.from), stamp(s.until), s.kind, length((new Date(s.until) - new Date(s.from)) / 1e3)]),
    fill: ([start, end, kind, long]) => row(start, end, [chip(kind), wordOf(kind)], long),
  };
}
// bar draws how a stretch of time was spent.
function bar(id, p) {
  const spent = kinds.filter(([kind]) => p[kind + "_seconds"] > 0);
  attribute($(id), "aria-label", spent.map(([kind, word]) => word + " " + length(p[kind + "_seconds"])).join(", ") || "Nothing yet");
  rows(id, spent.map(([kind]) => [kind, Math.round(p[kind + "_seconds"] / p.seconds * 500)]), ([kind, share]) => {
    const e = kinded(el("div", ""), kind);
    e.style.flexGrow = share;
    return e;
  });
}
// Days, each as high as it is long. The label of today is at the edge, where it has room only to its left.
function dayGraph(days) {
  const longest = Math.max(...days.map(d => d.seconds), 86400), each = { 7: 1, 30: 7, 90: 21 }[days.length] ?? Math.ceil(days.length / 5);
  const axis = el("div", "axis"), columns = days.map((d, i) => {
    const day = new Date(d.name + "T12:00"), column = el("div", d.down_seconds > 0 ? "hit" : "");
    column.title = dateOf(day, { weekday: "short", day: "numeric", month: "short" }) + ": uptime " + percent(d.uptime_percent) +
      ", outages " + d.outages;
    column.style.height = d.seconds / longest * 100 + "%";
    for (const [kind] of kinds) {
      if (!(d[kind + "_seconds"] > 0)) continue;
      const e = kinded(el("div", ""), kind);
      e.style.flexGrow = d[kind + "_seconds"];
      column.append(e);
    }
    if ((days.length - 1 - i) % each) return column;
    const label = el("span", "", dateOf(day, each === 1 ? { weekday: "short" } : { day: "numeric", month: "short" }));
    if (each === 1) label.append(el("small", "minor", " " + day.getDate()));
    if (i === days.length - 1 && each > 1) label.className = "end";
    else label.style.left = (i + .5) / days.length * 100 + "%";
    axis.append(label);
    return column;
  });
  return [el("div", "days" + (days.length > 31 ? " many" : ""), ...columns), axis];
}
function dayTable(days) {
  const dated = d => (t => dateOf(t, { weekday: "short", day: "numeric", month: "short", ...ofYear(t) }))(new Date(d.name + "T12:00"));
  return {
    caption: "Local days, the newest first; today so far",
    columns: ["Date", "Uptime", ...kinds.map(([, word]) => word), "Outages", "Longest"],
    rows: days.map(d => [dated(d), percent(d.uptime_percent), ...kinds.map(([kind]) => length(d[kind + "_seconds"])), String(d.outages),
      d.outages ? length(d.longest_seconds) : none]).reverse(),
    fill: cells => row(...cells),
  };
}

function paintLog(l) {
  const list = listOf(l.records).map((r, i) => [stamp(r.time), clean(l.texts[i]), r.event === "farm" ? "" : clean(r.detail)]).reverse();
  rows("log-rows", list, ([time, ...texts]) => row(time, ...texts.map(text => el("td", "wide", text))));
  return !list.length ? "Nothing has been recorded yet." : l.more ? "The newest " + list.length + "; “gatewatch log” shows more." : "";
}
function paintMessages(m) {
  const list = listOf(m.messages).map(one => [stamp(one.last), String(one.count), String(one.code), clean(one.text)]);
  rows("messages-rows", list, ([last, count, code, text]) => row(last, count, code, el("td", "wide", text)));
  return list.length ? "" : "Gateway has sent no message since Gatewatch started.";
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
  return channels.size ? "" : "No channel is set up. See the keys email, slack, webhook, alerts and heartbeat in settings.json.";
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
