import { Client } from "pg";
import { faultOf, stateOf, TooLate, Unreachable } from "./faults";
import { HttpError, type Log } from "./http";

const CONNECT_MS = 2000;
const ATTEMPTS = 3;
const PAUSE_MS = 50;
const RETRYABLE = ["40001", "40P01"];

export type Scope = { ctx: ExecutionContext; log: Log; deadlineMs: number };

// --8<-- [start:connect]
/** One client for one request: Hyperdrive keeps the real connections. */
export async function withDatabase<T>(
  hyperdrive: Hyperdrive,
  { ctx, log, deadlineMs }: Scope,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    connectionString: hyperdrive.connectionString,
    connectionTimeoutMillis: Math.min(CONNECT_MS, deadlineMs / 2),
  });
  let lost = false;
  client.on("error", () => (lost = true));
  const ended = Promise.withResolvers<never>();
  const late = () => ended.reject(new TooLate(`more than ${deadlineMs} ms`));
  const timer = setTimeout(late, deadlineMs);
  try {
    return await Promise.race([connected(client).then(work), ended.promise]);
  } catch (error) {
    // Our own refusals are no failures of the database.
    if (error instanceof HttpError) throw error;
    const fault = faultOf(lost ? new Unreachable(String(error)) : error);
    if (fault === undefined) throw error;
    const sqlstate = stateOf(error);
    log("database_failed", { code: fault.code, sqlstate, error: String(error) });
    throw fault;
  } finally {
    clearTimeout(timer);
    // A query that still runs loses its socket at once, and the server rolls back.
    ctx.waitUntil(client.end().catch(() => {}));
  }
}
// --8<-- [end:connect]

async function connected(client: Client): Promise<Client> {
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw stateOf(error) === "" ? new Unreachable(String(error)) : error;
  }
}

// --8<-- [start:transaction]
/** All or nothing. Only what the database asks to repeat is repeated, and not forever. */
export async function transaction<T>(
  client: Client,
  log: Log,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query("BEGIN");
      const result = await work();
      await client.query("COMMIT");
      return result;
    } catch (error) {
      // Without a connection there is nobody to tell: the server rolls back by itself.
      await client.query("ROLLBACK").catch(() => {});
      const sqlstate = stateOf(error);
      if (attempt === ATTEMPTS || !RETRYABLE.includes(sqlstate)) throw error;
      log("transaction_repeated", { attempt, sqlstate });
      await scheduler.wait(PAUSE_MS * attempt * (0.5 + Math.random()));
    }
  }
}
// --8<-- [end:transaction]
