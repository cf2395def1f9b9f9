import { cut } from "./chunks";
import { embed, EMBEDDINGS, type Name } from "./embeddings";
import { chunkIds, type Place } from "./names";
import { clear, remove, settings } from "./store";

export const DOCUMENT_LIMIT_BYTES = 262_144;
const AUDIENCE = /^[a-z0-9-]{1,32}$/;
const MOST_ROUNDS = 5;
/** Below the 1,000 vectors that one upsert takes. */
const UPSERT_BATCH = 500;

type Version = { version: string; audience: string; text: string };
type Unreadable = { version: string | undefined; why: string };

// --8<-- [start:ingest]
/** Makes the index agree with the bucket, whatever the event said: events come twice, late
 *  and in any order. With `again`, also what is known already is written once more. */
export async function ingest(env: Env, place: Place, again = false): Promise<string> {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = await read(env, place);
    if ("why" in found) await remove(env, place);
    else {
      const { active, building } = await settings(env);
      for (const name of building ? [active, building] : [active])
        await index(env, name, place, found, again || round > 0);
    }
    // Somebody may have replaced the object meanwhile, and another consumer may have been
    // faster. Who writes last looks once more, and trusts no row: it may have removed the
    // chunks of the newer version.
    const now = await env.BUCKET.head(place.key);
    if (found.version === now?.version) return "why" in found ? found.why : "indexed";
  }
  throw new Error("the document changes faster than it is indexed");
}
// --8<-- [end:ingest]

/** Returns the text, or why there is nothing to index. */
async function read(env: Env, { key }: Place): Promise<Version | Unreadable> {
  const object = await env.BUCKET.get(key);
  if (object === null) return { version: undefined, why: "removed" };
  const { version } = object;
  const audience = object.customMetadata?.audience ?? "all";
  if (object.size > DOCUMENT_LIMIT_BYTES) return { version, why: "too_large" };
  if (!AUDIENCE.test(audience)) return { version, why: "invalid_audience" };
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
    const text = decoder.decode(await object.arrayBuffer());
    return text.trim() ? { version, audience, text } : { version, why: "empty" };
  } catch (error) {
    if (error instanceof TypeError) return { version, why: "not_text" };
    throw error;
  }
}

// --8<-- [start:index]
async function index(
  env: Env,
  name: Name,
  place: Place,
  found: Version,
  again: boolean,
): Promise<void> {
  const { tenant, key } = place;
  const { version, audience } = found;
  const known = await env.DB.prepare(
    `SELECT 1 FROM documents
     WHERE embedding = ?1 AND tenant = ?2 AND key = ?3 AND version = ?4`,
  )
    .bind(name, tenant, key, version)
    .first();
  if (again || !known) {
    const texts = cut(found.text, EMBEDDINGS[name].chunkCharacters);
    const ids = await chunkIds(name, place, version, texts.length);
    // The rows come before the vectors: no vector is ever without a row that knows its id.
    const rows = JSON.stringify(ids.map((id, n) => ({ id, text: texts[n] })));
    await env.DB.prepare(
      `INSERT INTO chunks (id, embedding, tenant, key, version, text)
       SELECT value->>'id', ?2, ?3, ?4, ?5, value->>'text' FROM json_each(?1) WHERE true
       ON CONFLICT (id) DO NOTHING`,
    )
      .bind(rows, name, tenant, key, version)
      .run();
    const vectors = (await embed(env, name, texts)).map((values, n) => ({
      id: ids[n] ?? "",
      values,
      namespace: tenant,
      metadata: { audience },
    }));
    for (let from = 0; from < vectors.length; from += UPSERT_BATCH)
      await env[EMBEDDINGS[name].index].upsert(vectors.slice(from, from + UPSERT_BATCH));
    // From this statement on the new version is the one that may be cited.
    await env.DB.prepare(
      `INSERT INTO documents (embedding, tenant, key, version, audience)
       VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT DO UPDATE SET version = excluded.version, audience = excluded.audience`,
    )
      .bind(name, tenant, key, version, audience)
      .run();
  }
  await clear(env, name, place, version);
}
// --8<-- [end:index]
