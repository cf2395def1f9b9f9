/** How long a stored job may stay unsent before the sweep sends it. */
export const UNSENT_MS = 60_000;

export type Claimed = {
  id: string;
  payload: string;
  request: string;
  attempts: number;
};
type Row = { id: string; state: string; lease_until: number };
export type Claim =
  | { job: Claimed }
  | { settled: string }
  | { unknown: true }
  | { busyS: number };

// --8<-- [start:claim]
/** One round trip for a batch. Of all consumers with the same message, one gets the job. */
export async function claim(env: Env, ids: Set<string>): Promise<Map<string, Claim>> {
  const now = Date.now();
  const list = JSON.stringify([...ids]);
  const [taken, all] = await env.DB.batch([
    env.DB.prepare(
      `UPDATE jobs SET state = 'running', attempts = attempts + 1,
         lease_until = ?2 + ?3, updated_at = ?2
       WHERE id IN (SELECT value FROM json_each(?1))
         AND (state = 'queued' OR (state = 'running' AND lease_until < ?2))
       RETURNING id, payload, request, attempts`,
    ).bind(list, now, Number(env.LEASE_S) * 1000),
    env.DB.prepare(
      `SELECT id, state, lease_until FROM jobs
       WHERE id IN (SELECT value FROM json_each(?1))`,
    ).bind(list),
  ]);
  const claims = new Map<string, Claim>([...ids].map((id) => [id, { unknown: true }]));
  for (const { id, state, lease_until } of (all?.results ?? []) as Row[]) {
    // Whoever holds it may still die, so the message must stay until the lease has ended.
    const busyS = Math.max(1, Math.ceil((lease_until - now) / 1000));
    claims.set(id, state === "running" ? { busyS } : { settled: state });
  }
  for (const job of (taken?.results ?? []) as Claimed[]) claims.set(job.id, { job });
  return claims;
}

export async function finish(env: Env, id: string): Promise<void> {
  await env.DB.prepare(
    `UPDATE jobs SET state = 'done', error = NULL, step = NULL, updated_at = ?2
     WHERE id = ?1 AND state <> 'done'`,
  )
    .bind(id, Date.now())
    .run();
}

/** `attempts` is the fence: whoever lost the lease changes nothing. */
export async function release(
  env: Env,
  job: Claimed,
  error: string,
  delayS: number,
): Promise<void> {
  const now = Date.now();
  const sendAt = now + (delayS + Number(env.SEND_AGAIN_S)) * 1000;
  await env.DB.prepare(
    `UPDATE jobs SET state = 'queued', error = ?3, lease_until = 0, send_at = ?4,
       updated_at = ?5
     WHERE id = ?1 AND state = 'running' AND attempts = ?2`,
  )
    .bind(job.id, job.attempts, error, sendAt, now)
    .run();
}
// --8<-- [end:claim]

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
