// Asks the search that the browser loads, without one: its scripts are the arguments; a line is a list of queries, its answer the addresses found.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { runInThisContext } from "node:vm";

globalThis.window = globalThis;
for (const file of process.argv.slice(2)) runInThisContext(readFileSync(file, "utf8"), file);
await siteSearch.prepare(searchIndex);
for await (const line of createInterface({ input: process.stdin })) {
  const queries = JSON.parse(line);
  console.log(JSON.stringify(queries.map((query) => siteSearch.find(query).map((page) => page.url))));
}
