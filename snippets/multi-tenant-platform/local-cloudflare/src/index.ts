import { WorkerEntrypoint } from "cloudflare:workers";
import type { Deployer } from "../../deployer/src/index";
import { type Options, type Script, TenantWorker, tryToCompile } from "./namespace";

export { LocalDatabase, TenantDatabase } from "./database";
export { Egress } from "./namespace";

/** Stands in for Cloudflare, on this machine only. */
export default class LocalCloudflare extends WorkerEntrypoint<Env> implements Deployer {
  /** The routes: the control plane's hostname, and all others. */
  override fetch(request: Request): Promise<Response> {
    const { hostname } = new URL(request.url);
    const target = hostname === "control.example.com" ? this.env.CONTROL : this.env.DISPATCH;
    return target.fetch(request);
  }

  // --8<-- [start:get]
  /** The dispatch namespace, with the shape of the real binding. */
  get(name: string, _args: object, options: Options): TenantWorker {
    const { limits, outbound } = options;
    console.log(JSON.stringify({ event: "local_dispatch", name, limits, outbound }));
    return new TenantWorker(name, options, this.env, this.ctx);
  }
  // --8<-- [end:get]

  async createDatabase(tenant: string): Promise<string> {
    return `local-${tenant}`;
  }

  async upload(tenant: string, _databaseId: string, script: Script) {
    const problem = await tryToCompile(script, this.env);
    if (problem) return { ok: false as const, message: problem };
    await this.env.STATE.put(`script:${tenant}`, JSON.stringify(script));
    return { ok: true as const };
  }

  async createHostname(host: string) {
    await this.env.STATE.put(`hostname:${host}`, "active");
    return { ok: true as const };
  }

  async deleteHostname(host: string): Promise<void> {
    await this.env.STATE.delete(`hostname:${host}`);
  }

  async textRecords(name: string): Promise<string[]> {
    return (await this.env.STATE.get<string[]>(`txt:${name}`, "json")) ?? [];
  }
}
