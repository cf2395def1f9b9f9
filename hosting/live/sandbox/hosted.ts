import { WorkerEntrypoint } from "cloudflare:workers";
import type { Call, HostedExample, Outcome } from "./protocol";

/** The only door of a hosted example. `live` names the visitor in an argument, where no header of a visitor reaches. */
export class Hosted extends WorkerEntrypoint implements HostedExample {
  async call(visitor: string, call: Call, admitted: boolean): Promise<Outcome> {
    return this.ctx.exports.Visitor.getByName(visitor).call(call, admitted);
  }

  async forget(visitor: string): Promise<void> {
    await this.ctx.exports.Visitor.getByName(visitor).forget();
  }
}

// A module needs a default export; this one refuses, should a route ever be added by mistake.
export default { fetch: () => new Response(null, { status: 404 }) } satisfies ExportedHandler;
