import { requireShop } from "./auth";
import { readText } from "./body";
import { keepCopy, readCopy } from "./copy";
import { type Scope, withDatabase } from "./database";
import { HttpError, json, logger, refusalOf } from "./http";
import { parseKey, parseOrder } from "./order";
import { placeOrder, readOrder } from "./orders";
import { FIRST_PAGE, listProducts, parseWanted } from "./products";
import { requireSecrets } from "./secrets";

const ORDER = /^\/v1\/orders\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

// --8<-- [start:handler]
export default {
  async fetch(request, env, ctx) {
    const requestId = request.headers.get("CF-Ray") ?? crypto.randomUUID();
    const log = logger(requestId);
    const scope = { ctx, log, deadlineMs: Number(env.DEADLINE_MS) };
    const answer = await route(request, env, scope).catch((error: unknown) =>
      refusalOf(error, log).toResponse(),
    );
    answer.headers.set("X-Request-Id", requestId);
    return answer;
  },

  async scheduled(_controller, env, ctx) {
    const log = logger(crypto.randomUUID());
    const scope = { ctx, log, deadlineMs: Number(env.DEADLINE_MS) };
    const read = withDatabase(env.FRESH, scope, (db) => listProducts(db, FIRST_PAGE));
    await keepCopy(env.COPY, await read);
  },
} satisfies ExportedHandler<Env>;
// --8<-- [end:handler]

// --8<-- [start:routes]
async function route(request: Request, env: Env, scope: Scope): Promise<Response> {
  requireSecrets(env, scope.log);
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/v1/products") {
    allow(request, "GET", "HEAD");
    return products(env, scope, searchParams);
  }
  if (pathname === "/v1/orders") {
    allow(request, "POST");
    await requireShop(request, env.SHOP_TOKEN);
    return newOrder(request, env, scope);
  }
  const id = ORDER.exec(pathname)?.[1];
  if (id === undefined) {
    throw new HttpError(404, "not_found", "There is nothing at this address.");
  }
  allow(request, "GET", "HEAD");
  await requireShop(request, env.SHOP_TOKEN);
  return json(await withDatabase(env.FRESH, scope, (db) => readOrder(db, id)));
}
// --8<-- [end:routes]

// --8<-- [start:paths]
/** The read path: may be a little old, and without the database older still. */
async function products(env: Env, scope: Scope, query: URLSearchParams): Promise<Response> {
  const wanted = parseWanted(query);
  try {
    const read = withDatabase(env.CACHED, scope, (db) => listProducts(db, wanted));
    return json(await read);
  } catch (error) {
    const isAway = error instanceof HttpError && error.status === 503;
    const copy = isAway && query.size === 0 ? await readCopy(env.COPY, scope.log) : null;
    if (copy === null) throw error;
    return json(copy);
  }
}

/** The write path: answers with what stands in the database. */
async function newOrder(request: Request, env: Env, scope: Scope): Promise<Response> {
  const key = parseKey(request);
  const order = parseOrder(await readText(request));
  const placed = await withDatabase(env.FRESH, scope, (db) =>
    placeOrder(db, scope.log, key, order),
  );
  const { id } = placed.order;
  scope.log("order_placed", { id, repeated: placed.repeated });
  const headers = { Location: `/v1/orders/${id}` };
  return json(placed.order, placed.repeated ? 200 : 201, headers);
}
// --8<-- [end:paths]

function allow(request: Request, ...methods: string[]): void {
  if (methods.includes(request.method)) return;
  const list = methods.join(", ");
  const message = `This address takes ${list}.`;
  throw new HttpError(405, "method_not_allowed", message, { Allow: list });
}
