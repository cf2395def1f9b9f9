// Reads cases from standard input, computes them with the file that the browser loads, and writes the bills.
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const { amount, bill, money, planText } = await import(pathToFileURL(process.argv[2]));
const gcd = (a, b) => (b ? gcd(b, a % b) : a);

function exact([above, below]) {
  const common = gcd(above < 0n ? -above : above, below);
  return below === common ? String(above / common) : `${above / common}/${below / common}`;
}

const bills = JSON.parse(await text(process.stdin)).map(({ model, inputs }) =>
  inputs.map((volumes) => {
    const found = bill(
      model,
      Object.fromEntries(Object.entries(volumes).map(([name, value]) => [name, BigInt(value)])),
    );
    return {
      plans: found.plans.map((plan, i) => [plan.paid, Number(plan.cents), plan.over, planText(model.plans[i], plan)]),
      lines: found.lines.map((line) => [
        exact(line.quantity),
        String(line.cents),
        amount(line.quantity),
        money(line.cents),
      ]),
      total: [String(found.total), money(found.total)],
    };
  }),
);
process.stdout.write(JSON.stringify(bills));
