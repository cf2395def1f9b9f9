export type Order = { id: number; customer: string; open: boolean };
export type Found = { orders: Order[]; read: number };

const BULK = 100; // keys in one bulk read

// --8<-- [start:wrong]
/** KV knows keys only: to find a few orders, read them all. */
export async function findInKv(kv: KVNamespace, customer: string): Promise<Found> {
  const found: Found = { orders: [], read: 0 };
  let cursor: string | undefined;
  do {
    const page = await kv.list({ prefix: "order:", limit: BULK, cursor });
    const values = await kv.get<Order>(
      page.keys.map((key) => key.name),
      "json",
    );
    found.read += values.size;
    for (const order of values.values())
      if (order?.customer === customer && order.open) found.orders.push(order);
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor);
  return found;
}
// --8<-- [end:wrong]

// --8<-- [start:right]
export async function findInD1(db: D1Database, customer: string): Promise<Found> {
  const query = "SELECT id, customer FROM orders WHERE customer = ? AND open = 1";
  const { results, meta } = await db.prepare(query).bind(customer).run<Order>();
  return {
    orders: results.map((order) => ({ ...order, open: true })),
    read: meta.rows_read,
  };
}
// --8<-- [end:right]
