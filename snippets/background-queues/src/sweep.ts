import { handOver, type Sendable } from "./dispatch";
import { MOST_JOBS } from "./input";
import { UNSENT_MS } from "./jobs";

const MOST_ROUNDS = 50;
const KEEP_MS = 30 * 86_400_000;

// --8<-- [start:sweep]
/** Sends what was stored and never sent, and what was sent and never came. */
export async function sweep(env: Env): Promise<void> {
  const run = crypto.randomUUID();
  const now = Date.now();
  let taken = 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    // Taking a row moves its time: of two sweeps at once, one gets it.
    const { results } = await env.DB.prepare(
      `UPDATE jobs SET send_at = ?1 + ${UNSENT_MS} WHERE id IN (
         SELECT id FROM jobs
         WHERE state IN ('queued', 'running') AND send_at <= ?1 AND lease_until < ?1
         ORDER BY send_at LIMIT ${MOST_JOBS})
       RETURNING id, kind, state, request, step, payload`,
    )
      .bind(now)
      .all<Sendable>();
    taken += results.length;
    if (results.length === 0 || !(await handOver(env, run, results))) break;
  }
  if (taken > 0) console.warn({ event: "swept", request: run, jobs: taken });
  await forget(env);
}
// --8<-- [end:sweep]

/** Payloads are personal data. With the row, its Idempotency-Key is forgotten too. */
async function forget(env: Env): Promise<void> {
  const before = Date.now() - KEEP_MS;
  await env.DB.batch([
    env.DB.prepare(
      `DELETE FROM jobs WHERE id IN (
         SELECT id FROM jobs WHERE updated_at < ?1 AND (state = 'done' OR state = 'dead'
           AND id NOT IN (SELECT job FROM dead_letters WHERE closed_at IS NULL AND job IS NOT NULL))
         LIMIT 1000)`,
    ).bind(before),
    env.DB.prepare("DELETE FROM dead_letters WHERE closed_at < ?1").bind(before),
  ]);
}
