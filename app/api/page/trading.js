// Trading, rules and orders. What changes something is switched off without the token, and where it cannot be done now.
function renderTrading() {
  const t = here() ? st.trading : null, l = t && st.shown.trading, armed = Boolean(t?.armed);
  draw("trading-sign", l ? l.shape : "unknown");
  say("trading-state", l ? l.text : words.tradingNotKnown);
  say("trading-reason", l ? l.more : lost ? hangs ? words.onceItResponds : words.onceItRuns : words.looking);
  const counts = joined(t ? [l.at && "on since " + clock(l.at), ...listOf(t.counts)] : []);
  result("trading-counts", upper(counts), t?.orders_unknown || t?.orders_unprotected);
  say("arm", "Turn on " + (badge() === "LIVE" ? "LIVE " : "") + "trading" + (t?.confirm ? "…" : ""));
  $("arm").className = t?.confirm ? "danger" : "first";
  allow($("arm"), armed || t && st.connected, "trading-reason", !armed);
  allow($("disarm"), t, "trading-reason", armed);
}
onPress($("arm"), b => {
  const { confirm } = st.trading, name = b.textContent.replace("…", "");
  const arm = body => { act(b, "trading", "/trading/arm", body, "Trading is on."); };
  confirm ? ask(name + "?", confirm, name, () => arm({ live: true })) : arm({});
});
onPress($("disarm"), b => act(b, "trading", "/trading/disarm", {},
  "Trading is off. Orders that are working at IBKR go on: see Orders."));

// item makes an entry of a list: a heading with a badge, paragraphs as [text, class], a figure, and buttons.
const item = (title, [shape, word], since, price, priced, paragraphs, ...buttons) => el("li", "item",
  el("div", "line", el("h3", "", title), el("span", "word", sign(shape), upper(word)), el("span", "fine", since)),
  el("div", "told", ...paragraphs.map(([text, className]) => el("p", className, text))),
  el("div", "price", el("strong", "", price), el("span", "fine", priced)), el("div", "keys", ...buttons));

const stateOf = ({ shape }, word, fresh) => fresh ? [shape, word] : ["unknown", "was " + word];
const where = p => joined([p.line && "line " + p.line + ", column " + p.column, p.key, p.text], ": ");
const mayEdit = () => here() && Boolean(parts.rules.body?.may_edit);
function paintRules(r) {
  list("rules-rows", r.rules.map(v => [v, here(), mayEdit()]), ruleItem, ([v]) => v.rule.name);
  say("rules-problems", r.problems.map(p => (p.line ? "rules.json, " : "") + where(p)).join("\n"));
  say("rules-reason", lost || r.may_edit ? "" : words.noRuleEdits + sentence(r.reason));
  return r.rules.length || r.problems.length ? "" : words.noRules + " Add one below.";
}
function ruleItem([v, can, canEdit]) {
  const { name } = v.rule, watches = v.state === "active" || v.state === "triggered", why = "rules-reason";
  const go = (b, what, done) => { act(b, "rules", "/rules/" + what, { name }, "“" + name + "” " + done); };
  const start = b => activate(v, () => go(b, "activate", "watches prices."));
  const waits = v.price === null && v.state === "active", several = v.candidates.length > 1;
  const fired = v.fired && "triggered " + (v.fired === 1 ? "once" : v.fired + " times") +
    (v.last_fired ? ", last " + stamp(v.last_fired) : "");
  const choices = v.candidates.map(c =>
    '"instrument": ' + JSON.stringify(c.instrument) + "  " + joined([c.text, c.name]));
  return item(name, stateOf(v, v.state, can), can && known(v.since) ? "since " + clock(v.since) : "",
    v.price ?? (waits ? none : ""),
    waits ? "no price yet" : (v.price_at ? clock(v.price_at) : "") + (v.delayed ? " delayed" : ""),
    [[v.text], [v.why, v.state === "failed" || v.why_id === "no_data" ? "error" : "muted"],
      [joined([v.contract || !several && "Contract not looked up yet", fired]), "fine"],
      [several ? "The instrument can mean " + choices.length + " contracts. Write one of these into rules.json:\n" +
        choices.join("\n") : ""]],
    allow(button("Activate", start, name), canEdit, why, !watches),
    allow(button("Deactivate", b => go(b, "deactivate", "is a draft and does nothing."), name), can, why, watches),
    allow(button("Delete", b => ask("Delete the rule “" + name + "”?",
      "It cannot be brought back. Orders that it has placed stay as they are.", "Delete",
      () => go(b, "delete", "is deleted.")), name, "danger"), can, why));
}
// activate reads a rule back before it watches prices, with what comes of it at the prices of now.
async function activate({ rule, text }, does) {
  ask("Activate the rule “" + rule.name + "”?", text, "Activate", does);
  const asks = () => $("ask").open && accepted === does;
  if (asks()) say("ask-reading", words.askingForPrice);
  for (; asks(); await new Promise(then => { setTimeout(then, 2e3); })) {
    const said = await request("POST", "/rules/preview", JSON.stringify({ rule })).then(({ data }) => data.shown,
      e => sentence(words.cannotBeAsked + e.message.replace(words.didNotWork, "")));
    if (asks()) say("ask-reading", said);
  }
}

const openOrders = () => here() && parts.orders.body?.orders.filter(o => o.open).length || 0;
function paintOrders(o) {
  const can = here() && st.connected, { orders, blocked } = o;
  list("orders-rows", orders.map(v => [v, can]), orderItem, ([v]) => v.id);
  say("orders-reason", can || !orders.length ? ""
    : here() ? words.ordersOutOfDate : words.ordersUnwatched);
  say("orders-cancelling", o.cancelling.text);
  list("unsent-rows", blocked, b => row(stamp(b.at), wide(b.text), wide(b.rule || none), wide(b.reason)));
  for (const id of ["unsent-head", "unsent-shown"]) show(id, blocked.length > 0);
  return orders.length ? "" : o.problem || words.noOrders;
}
function orderItem([v, can]) {
  const label = "order " + v.id, why = "orders-reason", [at, changed] = [v.at, v.changed].map(stamp);
  const facts = [at + (known(v.changed) && changed !== at ? ", changed " + changed : ""),
    v.rule && "rule “" + v.rule + "”", label + (v.parent ? ", closes order " + v.parent : ""), v.cost_text];
  const cancel = b => act(b, "orders", "/orders/cancel", { id: v.id }, "IBKR was asked to cancel: " + v.text + ".");
  const fresh = can || !v.open || v.state === "unknown";
  const e = item(v.text, stateOf(v, v.state_text, fresh), "", v.filled + " of " + v.quantity, "filled",
    [[v.note, v.alarm ? "error" : "muted"], [joined(facts), "fine"]],
    allow(button("Cancel", cancel, label), can, why),
    allow(button("Change", () => changeOrder(v), label), can, why, v.state === "working"));
  e.classList.toggle("look", v.shape === "impaired" || v.unprotected);
  e.lastChild.hidden = !v.open;
  return e;
}
table("unsent", "Blocked orders, the newest first", "Time", "Order", "Rule", "Why");
onPress($("cancel-all"), b => {
  const n = openOrders();
  ask("Cancel " + (n === 1 ? "the open order" : "all " + n + " open orders") + "?",
    "All open orders that Gatewatch has placed are cancelled, also those that close a position. Orders of others stay.",
    n === 1 ? "Cancel it" : "Cancel them all",
    () => { act(b, "orders", "/orders/cancel_all", {}, "IBKR was asked to cancel all open orders."); });
});
function changeOrder(v) {
  const fields = [["Quantity", "quantity"], /LMT$/.test(v.type) && ["Limit price", "limit_price"],
    /^STP/.test(v.type) && ["Stop price", "stop_price"]].filter(Boolean);
  const changeOf = typed => {
    const change = { id: v.id };
    for (const [label, key] of fields) {
      const text = typed[key].trim(), twoReadings = /^([+-]?[1-9]\d{0,2})\.(\d{3})$/.exec(text);
      if (text === String(v[key])) continue;
      const problem = !/^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? "is not a number; write it with a point, such as 230.50"
        : twoReadings ? "can mean " + text + "0 or " + twoReadings.slice(1).join("") + "; write one of these"
        : text.replace(/\D/g, "").length > 15 ? "has too many digits; write at most 15"
        : key === "quantity" && Number(text) <= v.filled
        ? "has to be more than the " + v.filled + " that are filled; cancel the order instead" : "";
      if (problem) throw new Error(label + " " + problem);
      if (Number(text) !== v[key]) change[key] = Number(text);
    }
    if (Object.keys(change).length === 1) throw new Error("Nothing differs from the order as it is.");
    return change;
  };
  ask("Change order " + v.id, v.text, "Change the order", async typed => {
    await request("POST", "/orders/change", JSON.stringify(changeOf(typed)));
    result("orders-result", "IBKR was asked to change: " + v.text + ".");
    readPart("orders");
  }, fields.map(([label, key]) => [label, key, v[key]]), typed => becomes({ ...v, ...changeOf(typed) }));
}
// becomes reads a changed order back, as the window does.
function becomes(o) {
  const worth = o.quantity * Math.max(o.limit_price, o.stop_price) * o.multiplier;
  const money = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return joined(["Becomes: " + o.side.toLowerCase() + " " + o.quantity + " " + o.symbol,
    o.limit_price && "limit price " + o.limit_price, o.stop_price && "stop price " + o.stop_price,
    worth ? "worth " + worth.toLocaleString("en-US", money) + " " + o.currency
      : !o.multiplier && "its value is not known"], ", ") + ".";
}
