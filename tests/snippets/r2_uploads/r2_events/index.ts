import { WorkerEntrypoint } from "cloudflare:workers";

export default class extends WorkerEntrypoint {
  override fetch() {
    return new Response(null, { status: 404 });
  }

  override queue(batch) {
    for (const message of batch.messages) console.log(`dead letter ${JSON.stringify(message.body)}`);
  }

  /** In the place of the rate limiting binding: one user of the tests asks more in a minute than a person does. */
  limit() {
    return { success: true };
  }
}
