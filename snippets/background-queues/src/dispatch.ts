import type { Welcome } from "./input";
import { markSent } from "./jobs";

export type Sendable = {
  id: string;
  kind: "mail" | "onboarding";
  state: string;
  step?: string | null;
  payload: string;
};

// --8<-- [start:dispatch]
/** At most a hundred jobs. A failure loses nothing: their rows stay due for the sweep. */
export async function handOver(
  env: Env,
  request: string,
  jobs: Sendable[],
): Promise<boolean> {
  try {
    const mails = jobs.filter(({ kind }) => kind === "mail");
    if (mails.length > 0)
      await env.JOBS.sendBatch(mails.map(({ id }) => ({ body: { id } })));
    const others = jobs.filter(({ kind }) => kind === "onboarding");
    await markSent(env, [...mails, ...(await start(env, others))]);
    return true;
  } catch (error) {
    const about = { request, jobs: jobs.length, error: String(error) };
    console.error({ event: "send_failed", ...about });
    return false;
  }
}

/** The instance has the job's id, so a second start finds the first. */
async function start(env: Env, jobs: Sendable[]): Promise<Sendable[]> {
  if (jobs.length === 0) return [];
  const { errors } = await env.ONBOARDING.createBatch({
    instances: jobs.map(({ id, payload }) => ({
      id,
      params: JSON.parse(payload) as Welcome,
    })),
  });
  const started = new Set(jobs);
  for (const { index, message } of errors) {
    const job = jobs[index];
    if (!job || !message.includes("already_exists")) throw new Error(message);
    const instance = await env.ONBOARDING.get(job.id);
    const { status } = await instance.status();
    if (status === "errored" || status === "terminated")
      await instance.restart(job.step ? { from: { name: job.step } } : {});
    else if (job.state === "queued") started.delete(job); // not begun: look again soon
  }
  return [...started];
}
// --8<-- [end:dispatch]
