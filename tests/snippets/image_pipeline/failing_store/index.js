// Stands in for the R2 bucket: works until a name starts with "outage", and never takes a name that starts with "lost".
// The next original that is read after the name "doomed" was written is gone once it was read.
import { WorkerEntrypoint } from "cloudflare:workers";

const objects = new Map();
let down = false;
let takenDown = false;

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
    if (takenDown && key.startsWith("originals/")) {
      objects.delete(key);
      takenDown = false;
    }
    return { customMetadata, body: new Blob([bytes]).stream(), text: () => new Blob([bytes]).text() };
  }
  async put(key, value, { onlyIf, customMetadata } = {}) {
    if (key.startsWith("names/outage")) down = true;
    if (key === "names/doomed") takenDown = true;
    if (down || key.startsWith("names/lost")) fail("put");
    if (onlyIf && objects.has(key)) return null;
    objects.set(key, { bytes: await new Response(value).arrayBuffer(), customMetadata });
    return { key };
  }
  head(key) {
    if (down) fail("head");
    return objects.has(key) ? { key } : null;
  }
  delete(key) {
    if (down) fail("delete");
    objects.delete(key);
  }
}
