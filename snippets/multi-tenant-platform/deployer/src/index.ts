import { WorkerEntrypoint } from "cloudflare:workers";
import { readAnswer } from "./answer";
import { ApiError, type Bindings, call } from "./api";

export interface Script {
  main: string;
  modules: Record<string, string>;
}

/** Whether Cloudflare took it; if not, what it said. */
export type Outcome = { ok: true } | { ok: false; message: string };

/** What the control plane may ask of Cloudflare; the local stand-in has the same methods. */
export interface Deployer {
  createDatabase(tenant: string): Promise<string>;
  upload(tenant: string, databaseId: string, script: Script): Promise<Outcome>;
  createHostname(host: string): Promise<Outcome>;
  deleteHostname(host: string): Promise<void>;
  textRecords(name: string): Promise<string[]>;
}

export default class extends WorkerEntrypoint<Bindings> implements Deployer {
  override async fetch(): Promise<Response> {
    return new Response(null, { status: 404 });
  }

  async createDatabase(tenant: string): Promise<string> {
    const path = `/accounts/${this.env.ACCOUNT_ID}/d1/database`;
    // Another environment in this account has a namespace, and so databases, of its own.
    const name = `${this.env.NAMESPACE}_${tenant}`;
    // A retry after a lost answer must find the database of the first attempt.
    type Database = { uuid: string; name: string };
    const found = await call<Database[]>(this.env, "GET", `${path}?name=${name}`);
    const database =
      found.find((one) => one.name === name) ??
      (await call<{ uuid: string }>(this.env, "POST", path, JSON.stringify({ name })));
    return checkedId(database.uuid);
  }

  // --8<-- [start:upload]
  async upload(tenant: string, databaseId: string, { main, modules }: Script) {
    const { ACCOUNT_ID, NAMESPACE } = this.env;
    const metadata = {
      main_module: main,
      compatibility_date: "2026-10-01",
      bindings: [
        { type: "plain_text", name: "TENANT", text: tenant },
        { type: "d1", name: "DB", id: databaseId },
      ],
      tags: [tenant],
    };
    const form = new FormData();
    const json = new Blob([JSON.stringify(metadata)], { type: "application/json" });
    form.set("metadata", json);
    for (const [name, text] of Object.entries(modules))
      form.set(name, new File([text], name, { type: "application/javascript+module" }));
    const namespace = `/accounts/${ACCOUNT_ID}/workers/dispatch/namespaces/${NAMESPACE}`;
    // Only what the API says about the code is the tenant's to read.
    return outcome(call(this.env, "PUT", `${namespace}/scripts/${tenant}`, form), 400);
  }
  // --8<-- [end:upload]

  async createHostname(hostname: string) {
    if (await this.#idOf(hostname)) return { ok: true as const };
    const body = { hostname, ssl: { method: "http", type: "dv" } };
    // 409: the name is registered elsewhere.
    return outcome(call(this.env, "POST", this.#hostnames, JSON.stringify(body)), 400, 409);
  }

  async deleteHostname(hostname: string): Promise<void> {
    const id = await this.#idOf(hostname);
    if (id) await call(this.env, "DELETE", `${this.#hostnames}/${id}`);
  }

  async textRecords(name: string): Promise<string[]> {
    const url = `${this.env.DNS_API}?name=${encodeURIComponent(name)}&type=TXT`;
    const headers = { Accept: "application/dns-json" };
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`DNS answered ${response.status}`);
    type Answers = { Answer?: { type: number; data: string }[] };
    const { Answer = [] } = await readAnswer<Answers>(response);
    return Answer.filter((a) => a.type === 16).map((a) => a.data.replace(/^"|"$/g, ""));
  }

  get #hostnames() {
    return `/zones/${this.env.ZONE_ID}/custom_hostnames`;
  }

  async #idOf(hostname: string): Promise<string | undefined> {
    const path = `${this.#hostnames}?hostname=${hostname}`;
    const found = await call<{ id: string; hostname: string }[]>(this.env, "GET", path);
    const one = found.find((each) => each.hostname === hostname);
    return one && checkedId(one.id);
  }
}

/** An id goes into addresses and bindings: an answer must not lead a call elsewhere. */
function checkedId(id: unknown): string {
  if (typeof id === "string" && /^[\w-]{1,64}$/.test(id)) return id;
  throw new Error("the API named an id of another shape");
}

// --8<-- [start:outcome]
/** A refusal with one of these statuses is an answer; all else stays an error. */
async function outcome(work: Promise<unknown>, ...refusals: number[]): Promise<Outcome> {
  try {
    await work;
    return { ok: true };
  } catch (error) {
    if (!(error instanceof ApiError) || !refusals.includes(error.status)) throw error;
    return { ok: false, message: error.said };
  }
}
// --8<-- [end:outcome]
