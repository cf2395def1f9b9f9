import { HttpError } from "./http";

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type Status<Time> = {
  id: string;
  kind: string;
  state: string;
  step: string | null;
  attempts: number;
  error: string | null;
  created_at: Time;
  updated_at: Time;
};

// --8<-- [start:status]
/** Another owner's job looks like none at all. */
export async function status(env: Env, owner: string, id: string): Promise<Status<string>> {
  const row = ID.test(id)
    ? await env.DB.prepare(
        `SELECT id, kind, state, step, attempts, error, created_at, updated_at
         FROM jobs WHERE id = ?1 AND owner = ?2`,
      )
        .bind(id, owner)
        .first<Status<number>>()
    : null;
  if (!row) throw new HttpError(404, "job_not_found", "You have no job with this id.");
  const [created_at, updated_at] = [time(row.created_at), time(row.updated_at)];
  return { ...row, created_at, updated_at };
}
// --8<-- [end:status]

function time(ms: number): string {
  return new Date(ms).toISOString();
}
