import { backoffS } from "./backoff";
import { bury, jobId } from "./dead";
import type { Mail } from "./input";
import { type Claim, claim, type Claimed, finish, release } from "./jobs";
import { post } from "./provider";

// --8<-- [start:consume]
/** Nothing is thrown from here: one thrown error would deliver the whole batch again. */
export async function consume(batch: MessageBatch, env: Env): Promise<void> {
  const ids = batch.messages.map(({ body }) => jobId(body));
  try {
    const claims = await claim(env, new Set(ids.filter((id) => id !== null)));
    await Promise.all(
      batch.messages.map((message, n) => {
        const id = ids[n] ?? null;
        // Twice in one batch: the first message works, the others wait for its lease.
        const mine = id !== null && ids.indexOf(id) === n ? claims.get(id) : undefined;
        return settle(env, message, id, mine ?? { busyS: Number(env.LEASE_S) });
      }),
    );
  } catch (error) {
    // D1 is away: nothing is known of any job, so nothing is acknowledged.
    const delaySeconds = backoffS(env, batch.messages[0]?.attempts ?? 1);
    console.error({ event: "claim_failed", error: String(error), delaySeconds });
    batch.retryAll({ delaySeconds });
  }
}

/** Ends one message, with its own answer to the queue and its own errors. */
async function settle(
  env: Env,
  message: Message,
  id: string | null,
  claimed: Claim,
): Promise<void> {
  const about = { job: id, message: message.id, attempt: message.attempts };
  try {
    if (id === null || "unknown" in claimed) {
      await bury(env, message, id, id === null ? "unreadable_message" : "unknown_job");
      message.ack();
    } else if ("settled" in claimed) {
      console.log({ event: "repeat_ignored", state: claimed.settled, ...about });
      message.ack();
    } else if ("busyS" in claimed) {
      message.retry({ delaySeconds: claimed.busyS });
    } else {
      await work(env, message, claimed.job);
    }
  } catch (error) {
    // A bug, or D1 went away: this message comes again, the others of the batch go on.
    const delaySeconds = backoffS(env, message.attempts);
    console.error({ event: "consumer_failed", error: String(error), ...about });
    message.retry({ delaySeconds });
    if (!("job" in claimed)) return;
    // Where this fails too, the lease ends by itself.
    await release(env, claimed.job, "consumer_failed", delaySeconds).catch(() => {});
  }
}

async function work(env: Env, message: Message, job: Claimed): Promise<void> {
  const { kind: _, ...mail } = JSON.parse(job.payload) as Mail;
  const outcome = await post(env, "/v1/messages", job.id, mail);
  const trace = { job: job.id, request: job.request, attempt: message.attempts };
  if (outcome.done) {
    await finish(env, job.id);
    console.log({ event: "job_done", ...trace });
    message.ack();
  } else if (outcome.again) {
    const delaySeconds = backoffS(env, message.attempts, outcome.wishS);
    await release(env, job, outcome.reason, delaySeconds);
    const { reason } = outcome;
    console.warn({ event: "job_retried", reason, delaySeconds, ...trace });
    message.retry({ delaySeconds });
  } else {
    await bury(env, message, job.id, outcome.reason);
    message.ack();
  }
}
// --8<-- [end:consume]
