import { WorkflowEntrypoint } from "cloudflare:workers";
import type { WorkflowEvent, WorkflowStep } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";
import { backoffS } from "./backoff";
import { bury } from "./dead";
import type { Welcome } from "./input";
import { finish } from "./jobs";
import { post } from "./provider";

const RETRIES = 8;

// --8<-- [start:workflow]
type Params = Welcome & { request: string };

export class Onboarding extends WorkflowEntrypoint<Env, Params> {
  async run(event: WorkflowEvent<Params>, step: WorkflowStep): Promise<void> {
    const id = event.instanceId;
    const { to, name, request } = event.payload;
    try {
      await this.call(step, id, "create account", "/v1/accounts", { to, name });
      const welcome = { to, subject: `Welcome, ${name}`, text: "Your account is ready." };
      await this.call(step, id, "send welcome", "/v1/messages", welcome);
      await step.sleep("wait", this.env.FOLLOW_UP_AFTER);
      const question = { to, subject: "How is it going?", text: "Answer this mail." };
      await this.call(step, id, "send follow-up", "/v1/messages", question);
      await step.do("finish", () => finish(this.env, id));
    } catch (error) {
      // The owner sees this, so only words of our own get through.
      const reason = /provider_\w+/.exec(String(error))?.[0] ?? "workflow_failed";
      const about = { job: id, request, error: String(error) };
      console.error({ event: "workflow_failed", ...about });
      const letter = () => ({ id: crypto.randomUUID(), body: { id } });
      await step.do("bury", () => bury(this.env, letter(), id, reason));
      throw error;
    }
  }

  /** Job and step make the key: a step whose result was lost has one effect. */
  private call(
    step: WorkflowStep,
    id: string,
    name: string,
    path: "/v1/accounts" | "/v1/messages",
    body: object,
  ): Promise<void> {
    const delay = ({ ctx }: { ctx: { attempt: number } }) =>
      backoffS(this.env, ctx.attempt) * 1000;
    const retries = { limit: RETRIES, delay };
    return step.do(name, { retries, timeout: "1 minute" }, async () => {
      await reach(this.env, id, name);
      const outcome = await post(this.env, path, `${id}:${name}`, body);
      if (outcome.done) return;
      const Failure = outcome.again ? Error : NonRetryableError;
      throw new Failure(outcome.reason);
    });
  }
}

/** Keeps the step where the owner can see it, and where a redrive begins again. */
async function reach(env: Env, id: string, step: string): Promise<void> {
  await env.DB.prepare(
    `UPDATE jobs SET state = 'running', step = ?2, attempts = attempts + 1,
       updated_at = ?3
     WHERE id = ?1 AND state IN ('queued', 'running')`,
  )
    .bind(id, step, Date.now())
    .run();
}
// --8<-- [end:workflow]
