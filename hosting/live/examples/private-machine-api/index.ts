import "../../sandbox/closed";
import { Nonces as OneCaller } from "../../../../snippets/private-machine-api/gateway/src/nonces";
import gateway from "../../../../snippets/private-machine-api/gateway/src/index";
import orders from "../../../../snippets/private-machine-api/internal-a/migrations/0001_orders.sql";
import { Orders as AllOrders } from "../../../../snippets/private-machine-api/internal-a/src/index";
import reports from "../../../../snippets/private-machine-api/internal-b/src/index";
import { d1, executeIn, type Query, type Result } from "../../sandbox/d1";
import type { Incoming } from "../../sandbox/protocol";
import { Sandbox } from "../../sandbox/sandbox";

export { default, Hosted } from "../../sandbox/hosted";

type Props = { service: "gateway" | "internal-b"; visitor: string };

export class Visitor extends Sandbox<Env> {
  protected override readonly schema = [orders];

  private get visitor(): string {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("a visitor's object has no name");
    return name;
  }

  protected override handle(request: Incoming): Promise<Response> {
    const { exports } = this.ctx;
    const { visitor } = this;
    const bound = (service: Props["service"]) => {
      const props: Props = { service, visitor };
      return exports.Orders({ props });
    };
    const env = {
      ...this.env,
      ORDERS: bound("gateway"),
      PER_CALLER: this.limit("PER_CALLER", 1000, 60),
      REPORTS: {
        fetch: (url: string) => {
          const own = { ...this.env, ORDERS: bound("internal-b") };
          return reports.fetch(new Request(url), own, { props: { service: "gateway" } } as ExecutionContext<{
            service: "gateway";
          }>);
        },
      } as Env["REPORTS"],
    };
    const nonces = { getByName: (key: string) => exports.Nonces.getByName(noncesOf(visitor, key)) };
    return gateway.fetch(request, env, { exports: { Nonces: nonces } } as unknown as ExecutionContext);
  }

  /** `Orders` runs as an entrypoint of its own, as it does in the example, and asks its visitor's object. */
  query(queries: Query[]): Promise<Result[]> {
    return executeIn(this.ctx.storage, this.mostBytes)(queries);
  }

  override async forget(): Promise<void> {
    if (!this.isOpen()) return;
    const keys = Object.keys(JSON.parse(this.env.HMAC_KEYS) as object);
    const { exports } = this.ctx;
    await Promise.all(keys.map((key) => exports.Nonces.getByName(noncesOf(this.visitor, key)).forget()));
    await super.forget();
  }
}

export class Orders extends AllOrders {
  constructor(ctx: ExecutionContext<Props>, env: Env) {
    const visitor = ctx.exports.Visitor.getByName(ctx.props.visitor);
    super(ctx, { ...env, DB: d1((queries) => visitor.query(queries)) });
  }
}

export class Nonces extends OneCaller {
  /** The first question of a request: a visitor who emptied the sandbox finds no table any more. */
  override async has(nonce: string): Promise<boolean> {
    this.open();
    return super.has(nonce);
  }

  async forget(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }
}

// The visitor comes first and has a fixed length: no key id of another visitor can spell this name.
function noncesOf(visitor: string, key: string): string {
  return `${visitor}/${key}`;
}
