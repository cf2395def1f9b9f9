import { handOver, type Sendable } from "./dispatch";
import { HttpError } from "./http";
import type { Order } from "./input";
import { UNSENT_MS } from "./jobs";

type Row = Sendable & { key: string };
export type Accepted = { id: string; key: string; state: string };

// --8<-- [start:accept]
/** The row is the promise: once it is stored, the sweep sends it if nobody else does. */
export async function accept(
  env: Env,
  owner: string,
  request: string,
  orders: Order[],
): Promise<Accepted[]> {
  const given = orders.map(({ key, job }) => ({
    id: crypto.randomUUID(),
    key,
    kind: job.kind,
    payload: JSON.stringify(job),
  }));
  const rows = await store(env, owner, request, JSON.stringify(given));
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const other = given.find((job) => (byKey.get(job.key) ?? job).payload !== job.payload);
  if (other) {
    const message = `"${other.key}" stands for another job already. Nothing was stored.`;
    throw new HttpError(422, "key_reused", message);
  }
  const jobs = given.flatMap(({ key }) => byKey.get(key) ?? []);
  if (jobs.length < given.length) {
    const message = `You may have ${env.MOST_OPEN_JOBS} open jobs. Nothing was stored.`;
    throw new HttpError(429, "too_many_open_jobs", message, { "Retry-After": "60" });
  }
  await handOver(
    env,
    request,
    jobs.filter(({ id }, n) => id === given[n]?.id),
  );
  return jobs.map(({ key, id, state }) => ({ key, id, state }));
}
// --8<-- [end:accept]

// --8<-- [start:store]
// One statement, for one job or a hundred. If one of the keys already stands for another
// job, or the owner would have too many open ones, nothing is stored at all.
const INSERT = `
  WITH given AS (
    SELECT value->>'id' id, value->>'key' key, value->>'kind' kind,
      value->>'payload' payload
    FROM json_each(?1))
  INSERT INTO jobs
    (id, owner, key, kind, payload, request, send_at, created_at, updated_at)
  SELECT id, ?2, key, kind, payload, ?3, ?4 + ${UNSENT_MS}, ?4, ?4 FROM given
  WHERE NOT EXISTS (
    SELECT 1 FROM given JOIN jobs ON jobs.owner = ?2 AND jobs.key = given.key
    WHERE jobs.payload <> given.payload)
  AND ?5 >= (
    SELECT count(*) FROM jobs WHERE owner = ?2 AND state IN ('queued', 'running')
  ) + (
    SELECT count(*) FROM given LEFT JOIN jobs ON jobs.owner = ?2 AND jobs.key = given.key
    WHERE jobs.id IS NULL)
  ON CONFLICT (owner, key) DO NOTHING`;
const SELECT = `
  SELECT id, key, kind, state, request, payload FROM jobs
  WHERE owner = ?2 AND key IN (SELECT value->>'key' FROM json_each(?1))`;

async function store(
  env: Env,
  owner: string,
  request: string,
  given: string,
): Promise<Row[]> {
  try {
    const [, found] = await env.DB.batch<Row>([
      env.DB.prepare(INSERT).bind(
        given,
        owner,
        request,
        Date.now(),
        Number(env.MOST_OPEN_JOBS),
      ),
      env.DB.prepare(SELECT).bind(given, owner),
    ]);
    return found?.results ?? [];
  } catch (error) {
    console.error({ event: "store_failed", request, error: String(error) });
    const message = "Nothing was accepted. Send the same again, with the same keys.";
    throw new HttpError(503, "storage_unavailable", message, { "Retry-After": "5" });
  }
}
// --8<-- [end:store]
