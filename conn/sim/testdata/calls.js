// Makes calls with @stoqey/ib, one after the other, and prints what each got: the wanted event, or an error. A call that
// wants no answer is followed by one for the time; what matters then is that no error comes before the time does.
const ib = require("@stoqey/ib");

const PATIENCE = 5000;
const stk = { symbol: "AAPL", secType: "STK", exchange: "SMART", currency: "USD" };
const eur = { symbol: "EUR", secType: "CASH", exchange: "IDEALPRO", currency: "USD" };
const order = { action: "BUY", orderType: "LMT", totalQuantity: 1, lmtPrice: 1, tif: "GTC", transmit: true };

async function main({ port, account, tasks }) {
  const c = new ib.IBApi({ host: "127.0.0.1", port, clientId: 0, maxReqPerSec: 1000 });
  let listen = () => {};
  c.on("error", (error, code, id) => listen(`error ${code}`, id, error.message));
  for (const name of Object.values(ib.EventName)) {
    if (name !== "error") c.on(name, (...args) => listen(name, args[0], ""));
  }
  const refused = (event, id, n) => event.startsWith("error") && (n === id || n === -1);
  const wait = (accept, start) =>
    new Promise((resolve) => {
      const timer = setTimeout(() => { listen = () => {}; resolve({ Event: "nothing", Text: "" }); }, PATIENCE);
      listen = (event, id, text) => {
        if (!accept(event, id)) return;
        clearTimeout(timer);
        listen = () => {};
        resolve({ Event: event, Text: text });
      };
      start();
    });
  await wait((event) => event === "nextValidId", () => c.connect());
  const got = {};
  for (const { name, code, want, id } of tasks) {
    const run = () => new Function("c", "ib", "id", "account", "stk", "eur", "order", code)(c, ib, id, account, stk, eur, order);
    if (want !== "") {
      got[name] = await wait((event, n) => event === want || refused(event, id, n), run);
      continue;
    }
    const first = await wait(
      (event, n) => event === "currentTime" || refused(event, id, n),
      () => { run(); c.reqCurrentTime(); },
    );
    got[name] = first.Event === "currentTime" ? { Event: "", Text: "" } : first;
  }
  process.stdout.write(JSON.stringify(got), () => process.exit(0));
}

let input = "";
process.stdin.on("data", (data) => (input += data));
process.stdin.on("end", () => main(JSON.parse(input)));
