// Stands in for the R2 bucket: works until a name starts with "outage", and never takes a name that starts with "lost".
import { WorkerEntrypoint } from "cloudflare:workers";

const objects = new Map();
let down = false;

const fail = (operation) => {
  throw new Error(`${operation}: We encountered an internal error on disk-4.internal. (10001)`);
};

export default class extends WorkerEntrypoint {
  fetch() {
    return new Response(null, { status: 404 });
  }
  get(key) {
    if (down) fail("get");
    const { bytes, customMetadata } = objects.get(key) ?? {};
    if (!bytes) return null;
    return { customMetadata, body: new Blob([bytes]).stream(), text: () => new Blob([bytes]).text() };
  }
  async put(key, value, { onlyIf, customMetadata } = {}) {
    if (key.startsWith("names/outage")) down = true;
    if (down || key.startsWith("names/lost")) fail("put");
    if (onlyIf && objects.has(key)) return null;
    objects.set(key, { bytes: await new Response(value).arrayBuffer(), customMetadata });
    return { key };
  }
  delete(key) {
    if (down) fail("delete");
    objects.delete(key);
  }
}
