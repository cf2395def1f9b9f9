import { backoffS } from "./backoff";
import { bury, jobId } from "./dead";
import { type Claim, claim } from "./claim";
import { release } from "./jobs";
import { work } from "./work";

// --8<-- [start:consume]
/** Nothing is thrown from here: one thrown error would deliver the whole batch again. */
export async function consume(batch: MessageBatch, env: Env): Promise<void> {
  try {
    const ids = batch.messages.map(({ body }) => jobId(body));
    const claims = await claim(env, new Set(ids.filter((id) => id !== null)));
    await Promise.all(
      batch.messages.map((message, n) => {
        const id = ids[n] ?? null;
        const claimed = claims.get(id ?? "") ?? { unknown: true };
        // Twice in one batch: the first message works, the others wait for its lease.
        const second = "job" in claimed && ids.indexOf(id) < n;
        return settle(env, message, id, second ? { busyS: Number(env.LEASE_S) } : claimed);
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
  const known = "job" in claimed ? claimed.job : claimed;
  const request = "request" in known ? known.request : undefined;
  const about = { job: id, request, message: message.id, attempt: message.attempts };
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
// --8<-- [end:consume]
