import { WorkerEntrypoint } from "cloudflare:workers";

const entries = new Map();
const writtenAt = new Map();
const meanwhile = new Map();
const failing = new Set();
const held = new Set();
const uploading = new Set();

function write(host, change) {
  // As KV does.
  if (Date.now() - writtenAt.get(host) < 1000) throw new Error("429 Too Many Requests");
  if (failing.has(host)) throw new Error("the map is away");
  writtenAt.set(host, Date.now());
  change();
}

/** Stands in for the map and for the deployer; somebody else changes D1 just before an entry is written. */
export default class extends WorkerEntrypoint {
  fetch() {
    return new Response(null, { status: 404 });
  }

  before(host, statement) {
    meanwhile.set(host, statement);
  }

  /** As if the last writes were long ago. */
  rest() {
    writtenAt.clear();
  }

  fail(host, on) {
    on ? failing.add(host) : failing.delete(host);
  }

  async put(host, entry) {
    const statement = meanwhile.get(host);
    meanwhile.delete(host);
    if (statement) await this.env.DB.prepare(statement).run();
    write(host, () => entries.set(host, entry));
  }

  get(host) {
    return entries.get(host) ?? null;
  }

  delete(host) {
    write(host, () => entries.delete(host));
  }

  createDatabase(tenant) {
    return `database-of-${tenant}`;
  }

  deleteHostname() {}

  hold(tenant, on) {
    on ? held.add(tenant) : held.delete(tenant);
  }

  async untilUploading(tenant) {
    while (!uploading.has(tenant)) await scheduler.wait(20);
  }

  async upload(tenant) {
    uploading.add(tenant);
    while (held.has(tenant)) await scheduler.wait(20);
    return { ok: true };
  }
}
