// Stands in for a KV namespace that fails the way the real one does: by throwing, with the status in the message.
import { WorkerEntrypoint } from "cloudflare:workers";

const fail = (operation, name) => {
  const status = name === "hot" ? "429 Too Many Requests" : "500 Internal Server Error, host store-17.internal";
  throw new Error(`KV ${operation} failed: ${status}`);
};

export default class extends WorkerEntrypoint {
  fetch() {
    return new Response(null, { status: 404 });
  }
  get(name) {
    fail("GET", name);
  }
  put(name) {
    fail("PUT", name);
  }
  delete(name) {
    fail("DELETE", name);
  }
}
