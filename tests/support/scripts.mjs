// Calls functions of the scripts that the browser loads, one JSON request a line: what the site decides there has no second home.
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const { script, name, first, calls } = JSON.parse(line);
  const module = await import(script);
  console.log(JSON.stringify(calls.map((call) => module[name](first, ...call))));
}
