import { handOver, type Sendable } from "./dispatch";
import { HttpError } from "./http";
import { fields, MOST_JOBS } from "./input";
import { UNSENT_MS } from "./jobs";

export async function listDead(env: Env): Promise<unknown[]> {
  const { results } = await env.DB.prepare(
    `SELECT message, job, body, reason, died_at FROM dead_letters
     WHERE closed_at IS NULL ORDER BY died_at LIMIT ${MOST_JOBS}`,
  ).all<{ died_at: number }>();
  return results.map((row) => ({ ...row, died_at: new Date(row.died_at).toISOString() }));
}

// --8<-- [start:redrive]
/** From dead to queued in one step: whoever asks second finds nothing left to change. */
export async function redrive(env: Env, request: string, body: unknown): Promise<number> {
  const { jobs, all } = fields(body, "invalid_redrive", "The body");
  const listed = Array.isArray(jobs) && jobs.length > 0 && jobs.length <= MOST_JOBS;
  if (listed === (all === true)) {
    const message = `Give "jobs" with 1 to ${MOST_JOBS} ids, or "all": true.`;
    throw new HttpError(400, "invalid_redrive", message);
  }
  const which = listed
    ? "SELECT value FROM json_each(?1)"
    : `SELECT job FROM dead_letters JOIN jobs ON jobs.id = job AND state = 'dead'
       WHERE ?1 AND closed_at IS NULL ORDER BY died_at LIMIT ${MOST_JOBS}`;
  const now = Date.now();
  const [revived] = await env.DB.batch<Sendable>([
    env.DB.prepare(
      `UPDATE jobs SET state = 'queued', error = NULL, lease_until = 0,
         send_at = ?2 + ${UNSENT_MS}, updated_at = ?2
       WHERE state = 'dead' AND id IN (${which})
       RETURNING id, kind, 'redriven' AS state, request, step, payload`,
    ).bind(listed ? JSON.stringify(jobs) : 1, now),
    env.DB.prepare(
      `UPDATE dead_letters SET closed_at = ?1 WHERE closed_at IS NULL
       AND EXISTS (SELECT 1 FROM jobs WHERE id = job AND state <> 'dead')`,
    ).bind(now),
  ]);
  const again = revived?.results ?? [];
  await handOver(env, request, again);
  console.log({ event: "redriven", request, jobs: again.map(({ id }) => id) });
  return again.length;
}
// --8<-- [end:redrive]

/** For what no second try can help; the job stays dead, and is forgotten like a finished one. */
export async function dismiss(env: Env, request: string, message: string): Promise<void> {
  const { meta } = await env.DB.prepare(
    "UPDATE dead_letters SET closed_at = ?2 WHERE message = ?1 AND closed_at IS NULL",
  )
    .bind(message, Date.now())
    .run();
  if (meta.changes === 0)
    throw new HttpError(404, "letter_not_found", "No open dead letter has this id.");
  console.log({ event: "dismissed", request, message });
}
