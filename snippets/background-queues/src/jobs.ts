import type { Claimed } from "./claim";

/** How long a stored job may stay unsent before the sweep sends it. */
export const UNSENT_MS = 60_000;

// --8<-- [start:end]
export async function finish(env: Env, id: string): Promise<void> {
  const done = await env.DB.prepare(
    `UPDATE jobs SET state = 'done', error = NULL, step = NULL, updated_at = ?2
     WHERE id = ?1 AND state <> 'done' RETURNING request, attempts`,
  )
    .bind(id, Date.now())
    .first();
  console.log({ event: "job_done", job: id, ...done });
}

/** `attempts` is the fence: whoever lost the lease changes nothing. The lease lasts for the
 *  wait, so that a second message does not end it early. */
export async function release(
  env: Env,
  job: Claimed,
  error: string,
  delayS: number,
): Promise<void> {
  const now = Date.now();
  const waitUntil = now + delayS * 1000;
  const sendAt = waitUntil + Number(env.SEND_AGAIN_S) * 1000;
  await env.DB.prepare(
    `UPDATE jobs SET state = 'queued', error = ?3, lease_until = ?4, send_at = ?5,
       updated_at = ?6
     WHERE id = ?1 AND state = 'running' AND attempts = ?2`,
  )
    .bind(job.id, job.attempts, error, waitUntil, sendAt, now)
    .run();
}
// --8<-- [end:end]

/** The queue has these now; only if it loses them does the sweep send them again. */
export async function markSent(env: Env, jobs: { id: string }[]): Promise<void> {
  if (jobs.length === 0) return;
  await env.DB.prepare(
    "UPDATE jobs SET send_at = ?2 WHERE id IN (SELECT value FROM json_each(?1))",
  )
    .bind(
      JSON.stringify(jobs.map(({ id }) => id)),
      Date.now() + Number(env.SEND_AGAIN_S) * 1000,
    )
    .run();
}
