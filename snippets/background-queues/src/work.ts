import { backoffS } from "./backoff";
import type { Claimed } from "./claim";
import { bury } from "./dead";
import type { Mail } from "./input";
import { finish, release } from "./jobs";
import { post } from "./provider";

// --8<-- [start:work]
/** One claimed job: the call, then its state, then the answer to the queue, in this order. */
export async function work(env: Env, message: Message, job: Claimed): Promise<void> {
  const { kind: _, ...mail } = JSON.parse(job.payload) as Mail;
  const outcome = await post(env, "/v1/messages", job.id, mail);
  if (outcome.done) {
    await finish(env, job.id);
    message.ack();
  } else if (outcome.again) {
    const delaySeconds = backoffS(env, message.attempts, outcome.wishS);
    await release(env, job, outcome.reason, delaySeconds);
    const { reason } = outcome;
    const about = { job: job.id, request: job.request, attempt: message.attempts };
    console.warn({ event: "job_retried", reason, delaySeconds, ...about });
    message.retry({ delaySeconds });
  } else {
    await bury(env, message, job.id, outcome.reason);
    message.ack();
  }
}
// --8<-- [end:work]
