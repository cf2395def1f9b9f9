import { embed, EMBEDDINGS, MOST_TEXTS, type Name } from "./embeddings";
import { chunkIds, type Place } from "./names";
import { clear } from "./store";

export type Version = {
  version: string;
  audience: string;
  parts: { name: Name; texts: string[] }[];
};

// --8<-- [start:index]
export async function index(
  env: Env,
  name: Name,
  place: Place,
  { version, audience }: Version,
  texts: string[],
  again: boolean,
): Promise<void> {
  const { tenant, key } = place;
  const known = await env.DB.prepare(
    `SELECT 1 FROM documents
     WHERE embedding = ?1 AND tenant = ?2 AND key = ?3 AND version = ?4`,
  )
    .bind(name, tenant, key, version)
    .first();
  if (again || !known) {
    const ids = await chunkIds(name, place, version, texts.length);
    // As many as one call embeds: so neither memory nor a statement grows with the document.
    for (let from = 0; from < texts.length; from += MOST_TEXTS) {
      const some = texts.slice(from, from + MOST_TEXTS);
      const chunks = some.map((text, n) => ({ id: ids[from + n] ?? "", text }));
      // The rows come before the vectors: no vector is ever without a row that knows its id.
      await env.DB.prepare(
        `INSERT INTO chunks (id, embedding, tenant, key, version, text)
         SELECT value->>'id', ?2, ?3, ?4, ?5, value->>'text' FROM json_each(?1) WHERE true
         ON CONFLICT (id) DO NOTHING`,
      )
        .bind(JSON.stringify(chunks), name, tenant, key, version)
        .run();
      const vectors = await embed(env, name, some);
      await env[EMBEDDINGS[name].index].upsert(
        vectors.map((values, n) => ({
          id: ids[from + n] ?? "",
          values,
          namespace: tenant,
          metadata: { audience },
        })),
      );
    }
    // The models took their time: what was replaced or deleted meanwhile is not shown.
    if ((await env.BUCKET.head(key))?.version !== version) return;
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
