import type { Client } from "pg";
import { transaction } from "./database";
import { HttpError, type Log } from "./http";
import type { Item, NewOrder } from "./order";

export type Order = NewOrder & { id: string; totalCents: number; createdAt: Date };
type Placed = { order: Order; repeated: boolean };
type Shelf = { id: string; sku: string; price: number; onHand: number };

// --8<-- [start:place]
export function placeOrder(
  client: Client,
  log: Log,
  key: string,
  order: NewOrder,
): Promise<Placed> {
  return transaction(client, log, async () => {
    const id = crypto.randomUUID();
    // A second request with this key waits here until the first has ended.
    const claimed = await client.query(
      `INSERT INTO order_requests (key, fingerprint, order_id) VALUES ($1, $2, $3)
       ON CONFLICT (key) DO NOTHING`,
      [key, await fingerprintOf(order), id],
    );
    if (claimed.rowCount === 0) return repeated(client, key, order);
    await store(client, id, order, await takeStock(client, order.items));
    return { order: await readOrder(client, id), repeated: false };
  });
}
// --8<-- [end:place]

// --8<-- [start:stock]
async function takeStock(client: Client, items: Item[]): Promise<Shelf[]> {
  // One order of locking for all: two orders of the same goods cannot deadlock.
  const { rows: shelves } = await client.query<Shelf>(
    `SELECT p.id, p.sku, p.price_cents AS price, s.on_hand AS "onHand"
     FROM stock s JOIN products p ON p.id = s.product_id
     WHERE p.sku = ANY($1::text[]) ORDER BY p.id FOR UPDATE OF s`,
    [items.map((item) => item.sku)],
  );
  for (const { sku, quantity } of items) {
    const shelf = shelves.find((one) => one.sku === sku);
    if (shelf === undefined) {
      throw new HttpError(422, "unknown_product", `There is no product ${sku}.`);
    }
    if (shelf.onHand < quantity) {
      const message = `Of ${sku}, ${shelf.onHand} are left.`;
      throw new HttpError(409, "out_of_stock", message);
    }
  }
  await client.query(
    `UPDATE stock s SET on_hand = s.on_hand - i.quantity
     FROM unnest($1::text[], $2::int[]) AS i (sku, quantity)
     JOIN products p ON p.sku = i.sku WHERE s.product_id = p.id`,
    columns(items),
  );
  return shelves;
}
// --8<-- [end:stock]

async function store(
  client: Client,
  id: string,
  order: NewOrder,
  shelves: Shelf[],
): Promise<void> {
  const quantity = new Map(order.items.map((item) => [item.sku, item.quantity]));
  const prices = shelves.map(({ sku, price }) => price * (quantity.get(sku) ?? 0));
  const total = prices.reduce((sum, price) => sum + price, 0);
  await client.query("INSERT INTO orders (id, customer, total_cents) VALUES ($1, $2, $3)", [
    id,
    order.customer,
    total,
  ]);
  await client.query(
    `INSERT INTO order_items (order_id, product_id, quantity, price_cents)
     SELECT $1::uuid, i.product_id, i.quantity, i.price_cents
     FROM unnest($2::bigint[], $3::int[], $4::int[]) AS i (product_id, quantity, price_cents)`,
    // The prices of the total, although the shop may change them meanwhile.
    [
      id,
      shelves.map((shelf) => shelf.id),
      shelves.map(({ sku }) => quantity.get(sku)),
      shelves.map(({ price }) => price),
    ],
  );
}

// --8<-- [start:read]
export async function readOrder(client: Client, id: string): Promise<Order> {
  const { rows } = await client.query<Order>(
    `SELECT o.id, o.customer,
       json_agg(json_build_object('sku', p.sku, 'quantity', i.quantity)
         ORDER BY p.sku) AS items,
       o.total_cents AS "totalCents", o.created_at AS "createdAt"
     FROM orders o JOIN order_items i ON i.order_id = o.id
     JOIN products p ON p.id = i.product_id
     WHERE o.id = $1 GROUP BY o.id`,
    [id],
  );
  if (rows[0]) return rows[0];
  throw new HttpError(404, "order_not_found", "There is no such order.");
}
// --8<-- [end:read]

// --8<-- [start:repeated]
async function repeated(client: Client, key: string, order: NewOrder): Promise<Placed> {
  const { rows } = await client.query<{ fingerprint: string; order_id: string }>(
    "SELECT fingerprint, order_id FROM order_requests WHERE key = $1",
    [key],
  );
  const first = rows[0];
  if (first?.fingerprint !== (await fingerprintOf(order))) {
    const message = "This Idempotency-Key was used for another order.";
    throw new HttpError(409, "key_reused", message);
  }
  return { order: await readOrder(client, first.order_id), repeated: true };
}
// --8<-- [end:repeated]

async function fingerprintOf(order: NewOrder): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(order));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function columns(items: Item[]): [skus: string[], quantities: number[]] {
  return [items.map((item) => item.sku), items.map((item) => item.quantity)];
}
