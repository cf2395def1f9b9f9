import { EMBEDDINGS, isName, type Name } from "./embeddings";
import { HttpError, json } from "./http";
import { settings } from "./store";

const MISSING = `
  SELECT key FROM documents AS old WHERE embedding = ?1 AND NOT EXISTS (
    SELECT 1 FROM documents AS new WHERE new.embedding = ?2 AND new.tenant = old.tenant
      AND new.key = old.key AND new.version = old.version)`;

export async function state(env: Env): Promise<Response> {
  const { active, building } = await settings(env);
  const { results } = await env.DB.prepare(
    "SELECT embedding, count(*) AS documents FROM documents GROUP BY embedding",
  ).all();
  return json({ active, building, embeddings: results });
}

// --8<-- [start:switch]
/** From now on every document goes into both indexes; the backfill brings the old ones. */
export async function build(env: Env, name: string): Promise<Response> {
  await env.DB.prepare(
    "UPDATE settings SET building = CASE WHEN active = ?1 THEN building ELSE ?1 END",
  )
    .bind(requireName(name))
    .run();
  await env.DOCUMENTS.send({ backfill: "" });
  const { building } = await settings(env);
  return json({ building }, 202);
}

/** Switches when the new index holds every document, and not before its vectors can be
 *  found. Until then the old one answers. */
export async function activate(env: Env, name: string): Promise<Response> {
  const next = requireName(name);
  const { index } = EMBEDDINGS[next];
  const { active, building } = await settings(env);
  if (next === active) return json({ active });
  if (next !== building) throw conflict("not_building", "Build this embedding first.");
  const { results } = await env.DB.prepare(`${MISSING} LIMIT 100`)
    .bind(active, next)
    .all<{ key: string }>();
  if (results.length > 0) {
    const bodies = results.map(({ key }) => ({ body: { document: key } }));
    await env.DOCUMENTS.sendBatch(bodies);
    const message = "Documents are missing in the new index. They were queued again.";
    throw conflict("incomplete", message);
  }
  const rows = await env.DB.prepare("SELECT count(*) AS n FROM chunks WHERE embedding = ?1")
    .bind(next)
    .first<{ n: number }>();
  // The generated types still describe the first version of Vectorize.
  const info: object = await env[index].describe();
  const visible = "vectorCount" in info ? Number(info.vectorCount) : 0;
  if (visible < (rows?.n ?? 0))
    throw conflict("not_visible", "Vectors are stored but not visible yet.");
  // The same question once more inside the statement: a document may just have come.
  const { meta } = await env.DB.prepare(
    `UPDATE settings SET active = ?2, building = NULL
     WHERE active = ?1 AND building = ?2 AND NOT EXISTS (${MISSING})`,
  )
    .bind(active, next)
    .run();
  if (meta.changes === 0) throw conflict("incomplete", "A document came meanwhile.");
  return json({ active: next });
}
// --8<-- [end:switch]

const conflict = (code: string, message: string) =>
  new HttpError(409, code, message, { "Retry-After": "30" });

function requireName(name: string): Name {
  if (isName(name)) return name;
  throw new HttpError(404, "embedding_not_found", "The code knows no such embedding.");
}
