import { DurableObject } from "cloudflare:workers";
import { nothingHere } from "../../http";

const WORK_MS = 10; // stands for work that nobody may do at the same time

// Locally all objects share one isolate, so it can count those that are at work.
let working = 0;

type Reservation = { taken: number; atWork: number };

export class Seats extends DurableObject<Env> {
  async reserve(): Promise<Reservation> {
    return this.ctx.blockConcurrencyWhile(async () => {
      const atWork = ++working;
      await scheduler.wait(WORK_MS);
      working -= 1;
      const taken = (this.ctx.storage.kv.get<number>("taken") ?? 0) + 1;
      this.ctx.storage.kv.put("taken", taken);
      return { taken, atWork };
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
      return Response.json(await Seats.getByName("global").reserve());
    // --8<-- [end:wrong]
    if (way === "each")
      // --8<-- [start:right]
      return Response.json(await Seats.getByName(event).reserve());
    // --8<-- [end:right]
    return nothingHere();
  },
} satisfies ExportedHandler<Env>;
