import { bury } from "./dead";
import type { Welcome } from "./input";
import { markSent } from "./jobs";

export type Sendable = {
  id: string;
  kind: "mail" | "onboarding";
  state: string;
  request: string;
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
  let all = true;
  // Each kind by itself: a Workflow that does not start must not send a mail twice.
  for (const [kind, give] of [
    ["mail", send],
    ["onboarding", start],
  ] as const) {
    const some = jobs.filter((job) => job.kind === kind);
    if (some.length === 0) continue;
    try {
      await markSent(env, await give(env, request, some));
    } catch (error) {
      const about = { request, kind, jobs: some.length, error: String(error) };
      console.error({ event: "send_failed", ...about });
      all = false;
    }
  }
  return all;
}

async function send(env: Env, _: string, jobs: Sendable[]): Promise<Sendable[]> {
  await env.JOBS.sendBatch(jobs.map(({ id }) => ({ body: { id } })));
  return jobs;
}

/** The instance has the job's id, so a second start finds the first. */
async function start(env: Env, request: string, jobs: Sendable[]): Promise<Sendable[]> {
  const { errors } = await env.ONBOARDING.createBatch({
    instances: jobs.map(({ id, payload, request }) => ({
      id,
      params: { ...(JSON.parse(payload) as Welcome), request },
    })),
  });
  const started = new Set(jobs);
  for (const { index, message } of errors) {
    const job = jobs[index];
    if (!job) continue;
    try {
      if (!message.includes("already_exists")) throw new Error(message);
      if (!(await resume(env, job))) started.delete(job); // not begun: look again soon
    } catch (error) {
      started.delete(job);
      const about = { request, job: job.id, error: String(error) };
      console.error({ event: "start_failed", ...about });
    }
  }
  return [...started];
}

/** What a person terminated is started again by a redrive only, and never by the sweep. */
async function resume(env: Env, job: Sendable): Promise<boolean> {
  const instance = await env.ONBOARDING.get(job.id);
  const { status } = await instance.status();
  if (status === "errored" || (status === "terminated" && job.state === "redriven")) {
    await instance.restart(job.step ? { from: { name: job.step } } : {});
  } else if (status === "terminated") {
    const letter = { id: crypto.randomUUID(), body: { id: job.id } };
    await bury(env, letter, job.id, "terminated");
  } else {
    return job.state === "running";
  }
  return true;
}
// --8<-- [end:dispatch]
