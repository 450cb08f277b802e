// node --test bot.test.cjs, after npm install @stoqey/ib
const assert = require("node:assert");
const { spawn } = require("node:child_process");
const readline = require("node:readline");
const { test } = require("node:test");
const { EventName, IBApi } = require("@stoqey/ib");

// simulator starts the simulator, and ends it with the test.
async function simulator(t, ...flags) {
  const program = process.env.GATEWATCH ?? "gatewatch";
  const child = spawn(program, ["sim", "--listen", "127.0.0.1:0", "--json", ...flags], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => child.kill());
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const sim = JSON.parse(line);
    sim.call = async (method, path) => (await fetch(sim.control + path, { method })).json();
    return sim;
  }
  throw new Error("the simulator did not start");
}

// connected connects a client, and disconnects it with the test.
async function connected(t, sim) {
  const ib = new IBApi({ host: sim.host, port: sim.port, clientId: 7 });
  ib.on(EventName.error, () => {});
  t.after(() => ib.disconnect());
  const id = await new Promise((resolve) => {
    ib.once(EventName.nextValidId, resolve);
    ib.connect();
  });
  return { ib, id };
}

const apple = { symbol: "AAPL", secType: "STK", exchange: "SMART", currency: "USD" };

const soon = { timeout: 30_000 };

test("buys once", soon, async (t) => {
  const sim = await simulator(t, "--seed=1", "--farms=none");
  const { ib, id } = await connected(t, sim);
  const filled = new Promise((resolve) => {
    ib.on(EventName.orderStatus, (of, status) => of === id && status === "Filled" && resolve());
  });
  ib.placeOrder(id, apple, { action: "BUY", orderType: "MKT", totalQuantity: 10, tif: "DAY", transmit: true });
  await filled;
  const sent = await sim.call("GET", "/requests?name=placeOrder&order.action=BUY&count=1&within=5s");
  assert.ok(sent.ok, sent.error);
  assert.equal(sent.requests[0].fields.order.totalQuantity, "10");
});

test("hears of a lost connection to IBKR", soon, async (t) => {
  const sim = await simulator(t, "--farms=none");
  const { ib } = await connected(t, sim);
  const lost = new Promise((resolve) => ib.on(EventName.info, (_, code) => code === 1100 && resolve()));
  await sim.call("POST", "/fault/1100");
  await lost;
});
