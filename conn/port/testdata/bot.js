// Trades with @stoqey/ib, unmodified, and prints what happened: connects, asks for data, contract details, history and
// executions, places, changes and cancels orders, and leaves.
const ib = require("@stoqey/ib");

const stk = { symbol: "AAPL", secType: "STK", exchange: "SMART", currency: "USD" };
const limit = (price) => ({ action: "BUY", orderType: "LMT", totalQuantity: 1, lmtPrice: price, tif: "GTC", transmit: true });
const market = { action: "BUY", orderType: "MKT", totalQuantity: 5, tif: "DAY", transmit: true };

async function main(port, closed) {
  const c = new ib.IBApi({ host: "127.0.0.1", port, clientId: 7, maxReqPerSec: 40 });
  const seen = [];
  let wake = () => {};
  const note = (text) => { seen.push(text); wake(); };
  c.on("error", (error, code, id) => note(`error ${id} ${code} ${error.message}`));
  c.on("nextValidId", () => note("ready"));
  c.on("tickPrice", (id) => note(`tick ${id}`));
  c.on("contractDetailsEnd", (id) => note(`details ${id}`));
  c.on("historicalData", (id, time) => { if (String(time).startsWith("finished")) note(`history ${id}`); });
  c.on("orderStatus", (id, status) => note(`status ${id} ${status}`));
  c.on("execDetails", (id, contract, execution) => note(`execution ${execution.orderId}`));
  c.on("execDetailsEnd", (id) => note(`executions ${id}`));
  const wait = async (prefix) => {
    const end = Date.now() + 20000;
    while (!seen.some((s) => s.startsWith(prefix))) {
      if (Date.now() > end) throw new Error(`${prefix} did not come: ${seen.slice(-20).join("; ")}`);
      await new Promise((resolve) => { wake = resolve; setTimeout(resolve, 100); });
    }
    return seen.find((s) => s.startsWith(prefix));
  };
  c.connect();
  await wait("ready");
  c.reqContractDetails(2, stk);
  await wait("details 2");
  if (closed) {
    c.placeOrder(10, stk, market);
    console.log(await wait("error 10 201"));
  } else {
    c.reqMktData(1, stk, "", false, false);
    await wait("tick 1");
    c.reqHistoricalData(3, stk, "", "1 D", "1 hour", "TRADES", 1, 1, false);
    await wait("history 3");
    c.placeOrder(10, stk, limit(1));
    await wait("status 10 Submitted");
    c.placeOrder(10, stk, limit(2));
    c.placeOrder(11, stk, market);
    await wait("status 11 Filled");
    await wait("execution 11");
    c.cancelOrder(10);
    await wait("status 10 Cancelled");
    c.reqExecutions(4, {});
    await wait("executions 4");
  }
  c.disconnect();
  console.log("done");
  setTimeout(() => process.exit(0), 50);
}

main(Number(process.argv[2]), process.argv[3] === "closed").catch((e) => { console.log(String(e)); process.exit(1); });
