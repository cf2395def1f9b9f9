import "../../sandbox/closed";
import example from "../../../../snippets/global-api-kv/src/index";
import { kv, KV_SCHEMA } from "../../sandbox/kv";
import type { Incoming } from "../../sandbox/protocol";
import { Sandbox } from "../../sandbox/sandbox";

export { default, Hosted } from "../../sandbox/hosted";

export class Visitor extends Sandbox<Env> {
  protected override readonly schema = [KV_SCHEMA];

  protected override handle(request: Incoming): Promise<Response> {
    const env = { ...this.env, FLAGS: kv(this.ctx.storage, this.mostBytes) };
    return example.fetch(request, env);
  }
}
