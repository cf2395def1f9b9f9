// Stands in for the producer's binding: refuses as an overloaded queue does, or keeps what it gets, until a test heals it.
import { WorkerEntrypoint } from "cloudflare:workers";

let state = "broken";
const held = [];

export default class extends WorkerEntrypoint {
  fetch() {
    return new Response(null, { status: 404 });
  }
  hold() {
    state = "holds";
  }
  async heal() {
    state = "healthy";
    if (held.length > 0) await this.env.REAL.sendBatch(held);
  }
  held() {
    return held.map(({ body }) => body.id);
  }
  async sendBatch(messages) {
    if (state === "broken") throw new Error("Queue sendBatch failed: Too Many Requests, shard-9.internal");
    if (state === "holds") held.push(...messages);
    else await this.env.REAL.sendBatch(messages);
  }
  async sendDead(body) {
    await this.env.DEAD.send(body);
  }
}
