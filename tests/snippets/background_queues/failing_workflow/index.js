// Stands in for the Workflow's binding: the first call fails as a whole, the second for its first instance only.
import { WorkerEntrypoint } from "cloudflare:workers";

let calls = 0;

export default class extends WorkerEntrypoint {
  fetch() {
    return new Response(null, { status: 404 });
  }
  async createBatch({ instances }) {
    calls += 1;
    if (calls === 1) throw new Error("workflows.api.error.rate_limited, shard-9.internal");
    if (calls > 2) return this.env.REAL.createBatch({ instances });
    await this.env.REAL.createBatch({ instances: instances.slice(1) });
    return { instances: [], errors: [{ index: 0, message: "workflows.api.error.internal_server" }] };
  }
}
