import { backoffS } from "./backoff";

const MOST_BODY_CHARACTERS = 1000;

type Letter = { reason: string; request: string | null };

// --8<-- [start:bury]
/** The dead-letter queue's consumer: it stores what it gets, for a person to decide. */
export async function consumeDead(batch: MessageBatch, env: Env): Promise<void> {
  for (const message of batch.messages) {
    try {
      await bury(env, message, jobId(message.body), null);
      message.ack();
    } catch (error) {
      console.error({ event: "bury_failed", message: message.id, error: String(error) });
      message.retry({ delaySeconds: backoffS(env, message.attempts) });
    }
  }
}

/** Twice the same message changes nothing, and a job that is done or at work stays so. */
export async function bury(
  env: Env,
  message: { id: string; body: unknown },
  job: string | null,
  reason: string | null,
): Promise<void> {
  const now = Date.now();
  const body = [...(JSON.stringify(message.body) ?? "")]
    .slice(0, MOST_BODY_CHARACTERS)
    .join("");
  const [, stored] = await env.DB.batch<Letter>([
    env.DB.prepare(
      `UPDATE jobs SET state = 'dead', error = coalesce(?3, error, 'consumer_died'),
         updated_at = ?4
       WHERE id = ?2 AND (state = 'queued'
         OR (state = 'running' AND (?3 IS NOT NULL OR lease_until < ?4)))
       AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE message = ?1)`,
    ).bind(message.id, job, reason, now),
    env.DB.prepare(
      `INSERT INTO dead_letters (message, job, body, reason, died_at)
       SELECT ?1, ?2, ?3, coalesce(?4, error, 'unknown_job'), ?5
       FROM (SELECT 1) LEFT JOIN jobs ON jobs.id = ?2
       WHERE jobs.id IS NULL OR jobs.state = 'dead'
       ON CONFLICT DO NOTHING
       RETURNING reason, (SELECT request FROM jobs WHERE id = ?2) AS request`,
    ).bind(message.id, job, body, reason, now),
  ]);
  for (const row of stored?.results ?? [])
    console.error({ event: "job_dead", job, message: message.id, ...row });
}
// --8<-- [end:bury]

export function jobId(body: unknown): string | null {
  if (typeof body !== "object" || body === null || !("id" in body)) return null;
  return typeof body.id === "string" ? body.id : null;
}
