// Stands in for the producer's binding: refuses as an overloaded queue does, until a test heals it.
import { WorkerEntrypoint } from "cloudflare:workers";

let broken = true;

export default class extends WorkerEntrypoint {
  fetch() {
    return new Response(null, { status: 404 });
  }
  heal() {
    broken = false;
  }
  async sendBatch(messages) {
    if (broken) throw new Error("Queue sendBatch failed: Too Many Requests, shard-9.internal");
    await this.env.REAL.sendBatch(messages);
  }
  async sendDead(body) {
    await this.env.DEAD.send(body);
  }
}
