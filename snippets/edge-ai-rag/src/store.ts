import { EMBEDDINGS, isName, type Name } from "./embeddings";
import type { Place } from "./names";

export type Settings = { active: Name; building: Name | null };

export async function settings(env: Env): Promise<Settings> {
  const row = await env.DB.prepare("SELECT active, building FROM settings").first<{
    active: string;
    building: string | null;
  }>();
  if (!row || !isName(row.active)) throw new Error("settings name no known embedding");
  const building = row.building !== null && isName(row.building) ? row.building : null;
  return { active: row.active, building };
}

/** How many ids one call deletes; far below what an upsert takes. */
const DELETE_BATCH = 100;
const NAMES = Object.keys(EMBEDDINGS).filter(isName);

// --8<-- [start:remove]
/** From here on nobody is shown the document. Given its new audience, a row that has the
 *  same one stays. */
export async function withdraw(env: Env, place: Place, audience = ""): Promise<void> {
  await env.DB.prepare(
    `DELETE FROM documents WHERE embedding IN (SELECT value FROM json_each(?1))
       AND tenant = ?2 AND key = ?3 AND audience <> ?4`,
  )
    .bind(JSON.stringify(NAMES), place.tenant, place.key, audience)
    .run();
}

/** First the row that allows citing, then the vectors, last the rows that hold their ids:
 *  whoever is interrupted here can begin again. */
export async function remove(env: Env, place: Place): Promise<void> {
  await withdraw(env, place);
  for (const name of NAMES) await clear(env, name, place);
}

/** Removes every chunk of a document but those of the version that is kept. */
export async function clear(env: Env, name: Name, place: Place, keep = ""): Promise<void> {
  const { results } = await env.DB.prepare(
    `SELECT id FROM chunks
     WHERE embedding = ?1 AND tenant = ?2 AND key = ?3 AND version <> ?4`,
  )
    .bind(name, place.tenant, place.key, keep)
    .all<{ id: string }>();
  await discard(
    env,
    name,
    results.map(({ id }) => id),
  );
}

export async function discard(env: Env, name: Name, ids: string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += DELETE_BATCH) {
    const some = ids.slice(from, from + DELETE_BATCH);
    await env[EMBEDDINGS[name].index].deleteByIds(some);
    await env.DB.prepare("DELETE FROM chunks WHERE id IN (SELECT value FROM json_each(?1))")
      .bind(JSON.stringify(some))
      .run();
  }
}
// --8<-- [end:remove]
