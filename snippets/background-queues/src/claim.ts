export type Claimed = {
  id: string;
  payload: string;
  request: string;
  attempts: number;
};
type Row = { id: string; state: string; request: string; lease_until: number };
export type Claim =
  | { job: Claimed }
  | { settled: string; request: string }
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
         AND state IN ('queued', 'running') AND lease_until <= ?2
       RETURNING id, payload, request, attempts`,
    ).bind(list, now, Number(env.LEASE_S) * 1000),
    env.DB.prepare(
      `SELECT id, state, request, lease_until FROM jobs
       WHERE id IN (SELECT value FROM json_each(?1))`,
    ).bind(list),
  ]);
  const claims = new Map<string, Claim>([...ids].map((id) => [id, { unknown: true }]));
  for (const { id, state, request, lease_until } of (all?.results ?? []) as Row[]) {
    // Whoever holds it may still die, so the message must stay until the lease has ended.
    // A job that waits for its next try is held by the same time.
    const busyS = Math.max(1, Math.ceil((lease_until - now) / 1000));
    const ended = state === "done" || state === "dead";
    claims.set(id, ended ? { settled: state, request } : { busyS });
  }
  for (const job of (taken?.results ?? []) as Claimed[]) claims.set(job.id, { job });
  return claims;
}
// --8<-- [end:claim]
