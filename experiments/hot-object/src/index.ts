import { DurableObject } from "cloudflare:workers";
import { nothingHere } from "../../http";

const WORK_MS = 10; // stands for work that nobody may do at the same time

export class Seats extends DurableObject<Env> {
  async reserve(): Promise<number> {
    return this.ctx.blockConcurrencyWhile(async () => {
      await scheduler.wait(WORK_MS);
      const taken = (this.ctx.storage.kv.get<number>("taken") ?? 0) + 1;
      this.ctx.storage.kv.put("taken", taken);
      return taken;
    });
  }
}

export default {
  async fetch(request, _env, ctx) {
    const [, way, event = ""] = new URL(request.url).pathname.split("/");
    if (request.method !== "POST" || !/^event-\d{1,3}$/.test(event)) return nothingHere();
    const { Seats } = ctx.exports;
    if (way === "one")
      // --8<-- [start:wrong]
      return Response.json({ taken: await Seats.getByName("global").reserve() });
    // --8<-- [end:wrong]
    if (way === "each")
      // --8<-- [start:right]
      return Response.json({ taken: await Seats.getByName(event).reserve() });
    // --8<-- [end:right]
    return nothingHere();
  },
} satisfies ExportedHandler<Env>;
