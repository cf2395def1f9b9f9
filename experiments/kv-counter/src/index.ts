import { DurableObject } from "cloudflare:workers";
import { nothingHere } from "../../http";

// --8<-- [start:wrong]
async function addInKv(kv: KVNamespace, name: string): Promise<number> {
  const count = Number(await kv.get(name)) + 1;
  // Whoever read the same number writes the same number.
  await kv.put(name, String(count));
  return count;
}
// --8<-- [end:wrong]

// --8<-- [start:right]
export class Counter extends DurableObject<Env> {
  add(): number {
    const count = this.count() + 1;
    this.ctx.storage.kv.put("count", count); // nobody else runs in between
    return count;
  }

  count(): number {
    return this.ctx.storage.kv.get<number>("count") ?? 0;
  }
}
// --8<-- [end:right]

export default {
  async fetch(request, env, ctx) {
    const counter = ctx.exports.Counter.getByName("views");
    switch (`${request.method} ${new URL(request.url).pathname}`) {
      case "POST /kv":
        return Response.json({ count: await addInKv(env.COUNTERS, "views") });
      case "GET /kv":
        return Response.json({ count: Number(await env.COUNTERS.get("views")) });
      case "POST /object":
        return Response.json({ count: await counter.add() });
      case "GET /object":
        return Response.json({ count: await counter.count() });
      default:
        return nothingHere();
    }
  },
} satisfies ExportedHandler<Env>;
