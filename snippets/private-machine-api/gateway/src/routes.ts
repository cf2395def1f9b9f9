import type { Caller } from "../../internal-a/src/index";
import { forbidden, invalid, Refusal } from "./errors";

interface Call {
  caller: Caller;
  url: URL;
  id: string;
  body: () => Promise<Uint8Array>;
  env: Env;
}

const PAGE_SIZE = 100;

// --8<-- [start:routes]
const HANDLERS: Record<string, (call: Call) => Promise<Response>> = {
  "GET /v1/orders": async ({ caller, url, env }) => {
    const owner = url.searchParams.get("owner");
    if (owner !== null && owner !== caller.id && caller.sees === "own")
      throw forbidden("scope: another owner's orders");
    const before = url.searchParams.get("before") ?? String(Number.MAX_SAFE_INTEGER);
    if (!/^\d{1,16}$/.test(before)) throw invalid("before is a whole number.");
    const orders = await env.ORDERS.list(caller, owner, Number(before), PAGE_SIZE);
    return Response.json({
      orders,
      next: orders[PAGE_SIZE - 1]?.seq ?? null,
    });
  },
  "POST /v1/orders": async ({ caller, body, env }) => {
    const result = await env.ORDERS.create(caller, text(await body()));
    if ("problem" in result)
      throw new Refusal(
        result.problem === "conflict" ? 409 : 400,
        result.problem,
        result.why,
      );
    return Response.json(result.order, { status: result.created ? 201 : 200 });
  },
  "GET /v1/orders/:id": async ({ caller, id, env }) => {
    const order = await env.ORDERS.get(caller, id);
    if (!order) throw new Refusal(404, "not_found", "You have no such order.");
    return Response.json(order);
  },
  // A fresh request: nothing the client sent travels on.
  "GET /v1/reports/summary": async ({ env }) => {
    const answer = await env.REPORTS.fetch("https://internal-b/summary");
    if (!answer.ok) throw new Error(`internal-b: ${answer.status}`);
    return answer;
  },
};
// --8<-- [end:routes]

const PATTERNS = Object.keys(HANDLERS).map((name) => {
  const [method, pathname] = name.split(" ");
  return { name, method, pattern: new URLPattern({ pathname }) };
});

/** Find the route of a request; null when there is none. */
export function routeOf(method: string, url: URL): { name: string; id: string } | null {
  for (const route of PATTERNS) {
    const match = route.method === method ? route.pattern.exec(url) : null;
    if (match) return { name: route.name, id: match.pathname.groups.id ?? "" };
  }
  return null;
}

export function run(name: string, call: Call): Promise<Response> {
  const handler = HANDLERS[name];
  if (!handler) throw new Error(`there is no route ${name}`);
  return handler(call);
}

function text(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    throw invalid("The body is not UTF-8.");
  }
}
