import "../../sandbox/closed";
import messages from "../../../../snippets/static-site-api/migrations/0001_messages.sql";
import example from "../../../../snippets/static-site-api/src/index";
import { d1, executeIn } from "../../sandbox/d1";
import { filesFirst } from "../../sandbox/files";
import type { Incoming } from "../../sandbox/protocol";
import { Sandbox } from "../../sandbox/sandbox";

export { default, Hosted } from "../../sandbox/hosted";

export class Visitor extends Sandbox<Env> {
  protected override readonly schema = [messages];

  protected override handle(request: Incoming): Promise<Response> {
    const env = {
      ...this.env,
      DB: d1(executeIn(this.ctx.storage, this.mostBytes)),
      PER_CLIENT: this.limit("PER_CLIENT", 10, 60),
    };
    const worker = (asked: Incoming) => example.fetch(asked, env);
    return filesFirst(this.env.ASSETS, request, /^\/(api\/|contact$)/, worker);
  }
}
