import { WorkerEntrypoint } from "cloudflare:workers";
import { parseOrder, type Order, type Problem } from "./order";

/**
 * Which Worker holds the binding. Set in that Worker's wrangler.toml, never by its code or
 * its callers.
 */
interface Props {
  service: "gateway" | "internal-b" | "worker-x";
}

interface Bindings {
  DB: D1Database;
}

/** Who asked the gateway, and whose orders that caller may see. */
export interface Caller {
  id: string;
  sees: "own" | "all";
}

const COLUMNS =
  "seq, id, owner, reference, amount_cents AS amountCents, status, created_at AS createdAt";

// --8<-- [start:orders]
export class Orders extends WorkerEntrypoint<Bindings, Props> {
  async list(
    caller: Caller,
    owner: string | null,
    before: number,
    limit: number,
  ): Promise<Order[]> {
    this.#only("gateway");
    const visible = caller.sees === "own" ? caller.id : owner;
    const { results } = await this.env.DB.prepare(
      `SELECT ${COLUMNS} FROM orders WHERE seq < ?1 AND (?2 IS NULL OR owner = ?2) ORDER BY seq DESC LIMIT ?3`,
    )
      .bind(before, visible, limit)
      .all<Order>();
    return results;
  }

  async get(caller: Caller, id: string): Promise<Order | null> {
    this.#only("gateway");
    const order = await this.env.DB.prepare(`SELECT ${COLUMNS} FROM orders WHERE id = ?`)
      .bind(id)
      .first<Order>();
    return order && (caller.sees === "all" || order.owner === caller.id) ? order : null;
  }

  /**
   * Store an order once per owner and reference; a caller that retries gets the first one
   * back.
   */
  async create(
    caller: Caller,
    json: string,
  ): Promise<{ order: Order; created: boolean } | Problem> {
    this.#only("gateway");
    const parsed = parseOrder(json);
    if ("problem" in parsed) return parsed;
    const insert = await this.env.DB.prepare(
      `INSERT INTO orders (id, owner, reference, amount_cents, created_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (owner, reference) DO NOTHING RETURNING ${COLUMNS}`,
    )
      .bind(crypto.randomUUID(), caller.id, parsed.reference, parsed.amountCents, Date.now())
      .first<Order>();
    if (insert) return { order: insert, created: true };
    const known = await this.env.DB.prepare(
      `SELECT ${COLUMNS} FROM orders WHERE owner = ? AND reference = ?`,
    )
      .bind(caller.id, parsed.reference)
      .first<Order>();
    if (known?.amountCents !== parsed.amountCents) {
      return {
        problem: "conflict",
        why: "reference is taken by an order with another amount",
      };
    }
    return { order: known, created: false };
  }
  // --8<-- [end:orders]

  async totals(): Promise<{ orders: number; amountCents: number }> {
    this.#only("internal-b");
    const row = await this.env.DB.prepare(
      "SELECT count(*) AS orders, coalesce(sum(amount_cents), 0) AS amountCents FROM orders",
    ).first<{ orders: number; amountCents: number }>();
    return row ?? { orders: 0, amountCents: 0 };
  }

  // --8<-- [start:expire]
  /** Close open orders older than a moment, in milliseconds; return how many. */
  async expire(before: number): Promise<number> {
    this.#only("worker-x");
    const { meta } = await this.env.DB.prepare(
      "UPDATE orders SET status = 'expired' WHERE status = 'open' AND created_at < ?",
    )
      .bind(before)
      .run();
    return meta.changes;
  }

  #only(service: Props["service"]): void {
    if (this.ctx.props.service !== service)
      throw new Error(`${this.ctx.props.service} may not call this`);
  }
  // --8<-- [end:expire]
}

// A module needs a default export; this one refuses, should a route ever be added by
// mistake.
export default {
  fetch: () => new Response(null, { status: 404 }),
} satisfies ExportedHandler;
