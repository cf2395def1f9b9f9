import { readText } from "./body";
import { HttpError, json } from "./http";
import { DOCUMENT_LIMIT_BYTES } from "./ingest";
import { requirePlace } from "./names";
import { settings, withdraw } from "./store";

// --8<-- [start:documents]
/** For programs that hold the admin token. Objects that reach the bucket on another way
 *  come in through R2's events; both ways end in the same consumer. */
export async function documents(request: Request, env: Env, path: string): Promise<Response> {
  const place = requirePlace(path);
  const { tenant, key } = place;
  if (request.method === "PUT") {
    const text = await readText(request, "text/markdown", DOCUMENT_LIMIT_BYTES);
    const audience = request.headers.get("X-Audience") ?? "all";
    if (!/^[a-z0-9-]{1,32}$/.test(audience))
      throw new HttpError(400, "invalid_audience", "X-Audience is one lower-case word.");
    await env.BUCKET.put(key, text, { customMetadata: { audience } });
    await env.DOCUMENTS.send({ document: key });
    return json({ document: key, state: "queued" }, 202);
  }
  if (request.method === "DELETE") {
    await env.BUCKET.delete(key);
    await withdraw(env, place);
    // Nobody is shown it any more; its vectors and rows are the consumer's work.
    await env.DOCUMENTS.send({ document: key });
    return new Response(null, { status: 204 });
  }
  if (request.method === "POST") {
    await env.DOCUMENTS.send({ document: key, again: true });
    return json({ document: key, state: "queued" }, 202);
  }
  const { active } = await settings(env);
  const row = await env.DB.prepare(
    "SELECT audience FROM documents WHERE embedding = ?1 AND tenant = ?2 AND key = ?3",
  )
    .bind(active, tenant, key)
    .first<{ audience: string }>();
  if (row) return json({ document: key, state: "indexed", ...row });
  throw new HttpError(404, "document_not_found", "No such document is indexed.");
}
// --8<-- [end:documents]
