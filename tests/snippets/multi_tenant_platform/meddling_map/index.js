import { WorkerEntrypoint } from "cloudflare:workers";

const entries = new Map();
let meanwhile = null;

/** Stands in for the map and for the deployer; somebody else changes D1 just before an entry is written. */
export default class extends WorkerEntrypoint {
  fetch() {
    return new Response(null, { status: 404 });
  }

  before(statement) {
    meanwhile = statement;
  }

  async put(host, entry) {
    const statement = meanwhile;
    meanwhile = null;
    if (statement) await this.env.DB.prepare(statement).run();
    entries.set(host, entry);
  }

  get(host) {
    return entries.get(host) ?? null;
  }

  delete(host) {
    entries.delete(host);
  }

  createDatabase(tenant) {
    return `database-of-${tenant}`;
  }
}
