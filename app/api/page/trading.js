// Trading, rules and orders. What changes something is switched off without the token, and where it cannot be done now.
function renderTrading() {
  const t = here() ? st.trading : null, l = t && st.shown.trading, armed = Boolean(t?.armed), badge = mode();
  draw("trading-sign", l ? l.shape : "unknown");
  say("trading-state", l ? l.text : words.tradingNotKnown);
  say("trading-reason", l ? l.more : lost ? absent() + (hangs ? "." : ": " + words.noRules + ".") : words.looking);
  const counts = t ? [l.at && "on since " + clock(l.at), ...listOf(t.counts)] : [];
  result("trading-counts", upper(joined(counts)), t?.orders_unknown || t?.orders_unprotected);
  say("arm", "Turn on " + (badge === "LIVE" ? "LIVE " : "") + "trading" + (t?.confirm ? "…" : ""));
  $("arm").className = t?.confirm ? "danger" : "first";
  allow($("arm"), armed || t && st.connected, "trading-reason", !armed);
  allow($("disarm"), t, "trading-reason", armed);
  allowRules();
  allowOrders();
  for (const b of document.querySelectorAll("#alerts-rows button")) allow(b, here(), "alerts-note");
  for (const f of files) f.allow();
}
onPress($("arm"), b => {
  const { confirm } = st.trading, name = $("arm").textContent.replace("…", "");
  const arm = body => { act(b, "trading", "/trading/arm", body, "Trading is on."); };
  confirm ? ask(name + "?", confirm, name, () => arm({ live: true })) : arm({});
});
onPress($("disarm"), b => act(b, "trading", "/trading/disarm", {},
  "Trading is off. Orders that are working at IBKR go on: see Orders."));

// hold shows a list, each entry by a node of its own that is kept, so that the focus stays in it.
function hold(kept, id, list, keyOf, make, paint) {
  const body = $(id), keys = new Set(list.map(keyOf));
  for (const [key, n] of kept) if (!keys.has(key)) { n.item.remove(); kept.delete(key); }
  list.forEach((v, i) => {
    const n = kept.get(keyOf(v)) ?? make(v);
    kept.set(keyOf(v), n);
    n.now = v;
    paint(n, v);
    if (body.children[i] !== n.item) body.insertBefore(n.item, body.children[i] ?? null);
  });
}
// item makes an entry with its parts: a heading with a badge, paragraphs, a figure at its side, and buttons.
function item(title, paragraphs, buttons) {
  const n = { sign: sign("unknown"), word: el("span", ""), since: el("span", "fine"), price: el("strong", ""),
    priced: el("span", "fine"), title: el("h3", "", title), ...buttons };
  const told = el("div", "told", ...paragraphs.map(name => n[name] = el("p", "")));
  n.keys = el("div", "keys", ...Object.values(buttons));
  n.item = el("li", "item", el("div", "line", n.title, el("span", "word", n.sign, n.word), n.since), told,
    el("div", "price", n.price, n.priced), n.keys);
  n.facts.className = "fine";
  return n;
}
function mark(n, shape, word) {
  attribute(n.sign.firstChild, "href", "#" + shape);
  write(n.word, upper(clean(word)));
}

const ruleItems = new Map();
const where = p => joined([p.line && "line " + p.line + ", column " + p.column, clean(p.key), clean(p.text)], ": ");
function paintRules(r) {
  hold(ruleItems, "rules-rows", listOf(r.rules), v => v.rule.name, ruleItem, paintRule);
  say("rules-problems", listOf(r.problems).map(p => (p.line ? "rules.json, " : "") + where(p)).join("\n"));
  return listOf(r.rules).length ? "" : "There is no rule yet. Add one below.";
}
function ruleItem(v) {
  const name = v.rule.name, shown = clean(name);
  const go = (b, what, done) => act(b, "rules", "/rules/" + what, { name }, "“" + shown + "” " + done);
  return item(shown, ["text", "why", "facts", "means"], {
    activate: button("Activate", b => activate(ruleItems.get(name).now, () => { go(b, "activate", "watches prices."); }), shown),
    deactivate: button("Deactivate", b => go(b, "deactivate", "is a draft and does nothing."), shown),
    remove: button("Delete", b => ask("Delete the rule “" + shown + "”?",
      "It cannot be brought back. Orders that it has placed stay as they are.", "Delete",
      () => { go(b, "delete", "is deleted."); }), shown, "danger"),
  });
}
// activate reads a rule back before it watches prices, with what comes of it at the prices of now.
async function activate({ rule, text }, does) {
  ask("Activate the rule “" + clean(rule.name) + "”?", clean(text), "Activate", does);
  const asks = () => $("ask").open && accepted === does;
  if (asks()) say("ask-reading", words.askingForPrice);
  for (; asks(); await new Promise(then => { setTimeout(then, 2e3); })) {
    const said = await request("POST", "/rules/preview", JSON.stringify({ rule })).then(
      ({ data }) => data.shown.split("\n").map(clean).join("\n"),
      e => sentence(words.cannotBeAsked + e.message.replace(words.didNotWork, "")));
    if (asks()) say("ask-reading", said);
  }
}
function paintRule(n, v) {
  const means = listOf(v.candidates ?? null);
  mark(n, v.shape, v.state);
  write(n.since, known(v.since) ? "since " + clock(v.since) : "");
  write(n.text, clean(v.text));
  write(n.why, clean(v.why));
  n.why.className = v.state === "failed" || v.why_id === "no_data" ? "error" : "muted";
  const waits = v.price === null && v.state === "active";
  write(n.price, String(v.price ?? (waits ? none : "")));
  write(n.priced, waits ? "no price yet" : (v.price_at ? clock(v.price_at) : "") + (v.delayed ? " delayed" : ""));
  write(n.facts, joined([v.contract ? clean(v.contract) : means.length > 1 ? "" : "Contract not looked up yet",
    v.fired > 0 && "triggered " + (v.fired === 1 ? "once" : v.fired + " times") +
      (v.last_fired ? ", last " + stamp(v.last_fired) : "")]));
  const choices = means.map(c =>
    '"instrument": ' + JSON.stringify(c.instrument) + "  " + joined([clean(c.text), clean(c.name)]));
  write(n.means, means.length > 1 ? "The instrument can mean " + means.length + " contracts. Write one of these into " +
    "rules.json:\n" + choices.join("\n") : "");
}
const mayEdit = () => here() && Boolean(parts.rules.body?.may_edit);
function allowRules() {
  const body = parts.rules.body;
  say("rules-reason", !body || mayEdit() ? "" : !here() ? "Rules cannot be changed: Gatewatch does not answer."
    : "Rules cannot be saved or activated. " + (sentence(body.reason) || "Gatewatch is not connected."));
  for (const n of ruleItems.values()) {
    const watches = n.now.state === "active" || n.now.state === "triggered";
    allow(n.activate, mayEdit(), "rules-reason", !watches);
    allow(n.deactivate, here(), "rules-reason", watches);
    allow(n.remove, here(), "rules-reason");
  }
}

const orderItems = new Map(), openOrders = () => [...orderItems.values()].filter(n => n.now.open);
function paintOrders(o) {
  const list = listOf(o.orders), blocked = listOf(o.blocked);
  hold(orderItems, "orders-rows", list, v => v.id, orderItem, paintOrder);
  say("orders-cancelling", clean(o.cancelling?.text));
  rows("unsent-rows", blocked.map(b => [stamp(b.at), clean(b.text), clean(b.rule) || none, clean(b.reason)]),
    ([at, ...more]) => row(at, ...more.map(text => el("td", "wide", text))));
  for (const id of ["unsent-head", "unsent-shown"]) show(id, blocked.length > 0);
  return list.length ? "" : "No order has been placed yet.";
}
function orderItem(v) {
  const { id } = v, done = "IBKR was asked to cancel: " + clean(v.text) + ".";
  return item("", ["note", "facts"], {
    cancel: button("Cancel", b => act(b, "orders", "/orders/cancel", { id }, done), "order " + id),
    change: button("Change", () => changeOrder(orderItems.get(id).now), "order " + id),
  });
}
function paintOrder(n, v) {
  mark(n, v.shape, v.state_text);
  n.item.classList.toggle("look", v.shape === "impaired" || v.unprotected);
  n.note.className = v.alarm ? "error" : "muted";
  write(n.title, clean(v.text));
  write(n.note, v.note);
  write(n.price, v.filled + " of " + v.quantity);
  write(n.priced, "filled");
  const [at, changed] = [v.at, v.changed].map(stamp);
  write(n.facts, joined([at + (known(v.changed) && changed !== at ? ", changed " + changed : ""),
    v.rule && "rule “" + clean(v.rule) + "”", "order " + v.id + (v.parent ? ", closes order " + v.parent : ""),
    clean(v.cost_text)]));
  n.keys.hidden = !v.open;
}
function allowOrders() {
  const can = here() && st.connected;
  say("orders-reason", can || !orderItems.size ? "" : here() ? words.ordersOutOfDate
    : absent() + ": " + words.ordersUnwatched);
  for (const n of orderItems.values()) {
    allow(n.cancel, can, "orders-reason", n.now.open);
    allow(n.change, can, "orders-reason", n.now.state === "working");
  }
  allow($("cancel-all"), can, "orders-reason", openOrders().length > 0);
}
onPress($("cancel-all"), b => {
  const n = openOrders().length;
  ask("Cancel " + (n === 1 ? "the open order" : "all " + n + " open orders") + "?",
    "All open orders that Gatewatch has placed are cancelled, also those that close a position. Orders of others stay.",
    n === 1 ? "Cancel it" : "Cancel them all",
    () => { act(b, "orders", "/orders/cancel_all", {}, "IBKR was asked to cancel all open orders."); });
});
function changeOrder(v) {
  const fields = [["Quantity", "quantity"], ...(/LMT$/.test(v.type) ? [["Limit price", "limit_price"]] : []),
    ...(/^STP/.test(v.type) ? [["Stop price", "stop_price"]] : [])];
  const changeOf = typed => {
    const change = { id: v.id };
    for (const [label, key] of fields) {
      const text = typed[key].trim(), twoReadings = /^([+-]?[1-9]\d{0,2})\.(\d{3})$/.exec(text);
      if (text === String(v[key])) continue;
      if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(text))
        throw new Error(label + " is not a number; write it with a point, such as 230.50");
      if (twoReadings)
        throw new Error(label + " can mean " + text + "0 or " + twoReadings.slice(1).join("") + "; write one of these");
      if (text.replace(/\D/g, "").length > 15) throw new Error(label + " has too many digits; write at most 15");
      if (Number(text) !== v[key]) change[key] = Number(text);
    }
    if (Object.keys(change).length === 1) throw new Error("Nothing differs from the order as it is.");
    return change;
  };
  ask("Change order " + v.id, clean(v.text), "Change the order", async typed => {
    await request("POST", "/orders/change", JSON.stringify(changeOf(typed)));
    result("orders-result", "IBKR was asked to change: " + clean(v.text) + ".");
    readPart(parts.orders);
  }, fields.map(([label, key]) => [label, key, v[key]]), typed => becomes({ ...v, ...changeOf(typed) }));
}
// becomes reads a changed order back, as the window does.
function becomes(o) {
  const worth = o.quantity * Math.max(o.limit_price, o.stop_price) * o.multiplier;
  return joined(["Becomes: " + clean(o.side).toLowerCase() + " " + o.quantity + " " + clean(o.symbol),
    o.limit_price && "limit price " + o.limit_price, o.stop_price && "stop price " + o.stop_price, worth ? "worth " +
      worth.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 }) + " " + clean(o.currency) :
      !o.multiplier && "its value is not known"], ", ") + ".";
}
