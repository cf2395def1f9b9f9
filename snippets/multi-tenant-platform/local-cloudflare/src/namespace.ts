import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
import { egress } from "../../outbound/src/index";
import type { Policy } from "../../shared/plans";
import { internet } from "./internet";

export interface Script {
  main: string;
  modules: Record<string, string>;
}
export interface Options {
  limits: { cpuMs: number; subRequests: number };
  outbound: { policy: Policy };
}

const compatibilityDate = "2026-10-01";

// --8<-- [start:tenant]
/** One tenant's Worker, loaded from its text for each call. */
export class TenantWorker extends RpcTarget {
  #load: () => Promise<WorkerStub>;

  constructor(tenant: string, options: Options, env: Env, ctx: ExecutionContext) {
    super();
    this.#load = async () => {
      const script = await env.STATE.get<Script>(`script:${tenant}`, "json");
      if (!script) throw new Error("Worker not found.");
      return env.LOADER.load({
        compatibilityDate,
        mainModule: script.main,
        modules: script.modules,
        // What the real upload binds: its name, and a database of its own.
        env: { TENANT: tenant, DB: ctx.exports.TenantDatabase({ props: { tenant } }) },
        globalOutbound: ctx.exports.Egress({ props: options.outbound }),
      });
    };
  }

  async fetch(request: Request): Promise<Response> {
    return (await this.#load()).getEntrypoint().fetch(request);
  }
}

/** The outbound Worker's own code, in front of a stand-in for the Internet. */
export class Egress extends WorkerEntrypoint<Env, { policy: Policy }> {
  override fetch(request: Request): Promise<Response> {
    return egress(request, this.ctx.props.policy, internet);
  }
}
// --8<-- [end:tenant]

/** The real API refuses code that does not compile; load it here, without a call to it. */
export async function tryToCompile(script: Script, env: Env): Promise<string | null> {
  const probe = `import ${JSON.stringify(`./${script.main}`)};
    export default { fetch: () => new Response() };`;
  try {
    await env.LOADER.load({
      compatibilityDate,
      mainModule: "__probe.js",
      modules: { ...script.modules, "__probe.js": probe },
      env: {},
      globalOutbound: null,
    })
      .getEntrypoint()
      .fetch("https://probe.invalid/");
    return null;
  } catch (error) {
    return String(error);
  }
}
