import "../../sandbox/closed";
import first from "../../../../snippets/fullstack-d1/migrations/0001_users_sessions_tasks.sql";
import second from "../../../../snippets/fullstack-d1/migrations/0002_versions_and_counts.sql";
import example from "../../../../snippets/fullstack-d1/src/index";
import { d1, executeIn } from "../../sandbox/d1";
import { filesFirst } from "../../sandbox/files";
import type { Incoming } from "../../sandbox/protocol";
import { Sandbox } from "../../sandbox/sandbox";

export { default, Hosted } from "../../sandbox/hosted";

export class Visitor extends Sandbox<Env & { ASSETS: Fetcher }> {
  protected override readonly schema = [first, second];

  protected override handle(request: Incoming): Promise<Response> {
    const env = {
      ...this.env,
      DB: d1(executeIn(this.ctx.storage, this.mostBytes)),
      PER_CLIENT: this.limit("PER_CLIENT", 20, 60),
      PER_ACCOUNT: this.limit("PER_ACCOUNT", 10, 60),
    };
    const worker = (asked: Incoming) => example.fetch(asked, env);
    return filesFirst(this.env.ASSETS, request, /^\/api\//, worker);
  }
}
