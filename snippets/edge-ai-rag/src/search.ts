import { EMBEDDINGS, embedQuestion } from "./embeddings";
import { HttpError } from "./http";
import { within } from "./model";
import type { User } from "./session";
import { settings } from "./store";

export type Passage = { n: number; id: string; source: string; text: string };

/** More than the model reads: some of them may be gone already. */
const CANDIDATES = 20;
const PASSAGES = 5;

// --8<-- [start:search]
export async function search(env: Env, user: User, question: string, id: string) {
  try {
    const { active } = await settings(env);
    const vector = await embedQuestion(env, active, question);
    const asked = env[EMBEDDINGS[active].index].query(vector, {
      namespace: user.tenant,
      filter: { audience: { $in: user.audiences } },
      topK: CANDIDATES,
    });
    const { matches } = await within(Number(env.MODEL_PATIENCE_MS), asked);
    return await allowed(
      env,
      active,
      user,
      matches.map((match) => match.id),
    );
  } catch (error) {
    console.error({ event: "search_failed", request: id, error: String(error) });
    const message = "The documents cannot be searched now. Ask again in a minute.";
    throw new HttpError(503, "search_unavailable", message, { "Retry-After": "60" });
  }
}

/** Vectorize shows yesterday's truth for a while; D1 decides what may be read now. */
async function allowed(
  env: Env,
  embedding: string,
  user: User,
  ids: string[],
): Promise<Passage[]> {
  const { results } = await env.DB.prepare(
    `SELECT c.id, c.key AS source, c.text
     FROM json_each(?1) AS match
     JOIN chunks AS c ON c.id = match.value
     JOIN documents AS d ON d.embedding = c.embedding AND d.tenant = c.tenant
       AND d.key = c.key AND d.version = c.version
     WHERE c.embedding = ?2 AND c.tenant = ?3
       AND d.audience IN (SELECT value FROM json_each(?4))
     ORDER BY match.key LIMIT ${PASSAGES}`,
  )
    .bind(JSON.stringify(ids), embedding, user.tenant, JSON.stringify(user.audiences))
    .all<Omit<Passage, "n">>();
  return results.map((row, n) => ({ n: n + 1, ...row }));
}
// --8<-- [end:search]
