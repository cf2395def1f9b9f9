import { cut } from "./chunks";
import { EMBEDDINGS, type Name } from "./embeddings";
import { index, type Version } from "./indexing";
import { chunkIds, type Place } from "./names";
import { discard, remove, settings, withdraw } from "./store";

export const DOCUMENT_LIMIT_BYTES = 262_144;
/** Twenty calls of the embedding model; a file of many tiny parts is no text to ask about. */
const MOST_PARTS = 2000;
const AUDIENCE = /^[a-z0-9-]{1,32}$/;
const MOST_ROUNDS = 5;

type Unreadable = { version: string | undefined; why: string };

// --8<-- [start:ingest]
/** Makes the index agree with the bucket, whatever the event said: events come twice, late
 *  and in any order. With `again`, also what is known already is written once more. */
export async function ingest(env: Env, place: Place, again = false): Promise<string> {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const { active, building } = await settings(env);
    const found = await read(env, place, building ? [active, building] : [active]);
    if ("why" in found) await remove(env, place);
    else {
      // Whoever may no longer read it loses it now, not when the models have answered.
      await withdraw(env, place, found.audience);
      for (const { name, texts } of found.parts)
        await index(env, name, place, found, texts, again || round > 0);
    }
    // Somebody may have replaced the object meanwhile, and another consumer may have been
    // faster. Who writes last looks once more, and trusts no row: it may have removed the
    // chunks of the newer version.
    const now = await env.BUCKET.head(place.key);
    if (found.version === now?.version) return "why" in found ? found.why : "indexed";
    if ("why" in found) continue;
    // The faster one may have removed these rows before their vectors were stored.
    for (const { name, texts } of found.parts)
      await discard(env, name, await chunkIds(name, place, found.version, texts.length));
  }
  throw new Error("the document changes faster than it is indexed");
}
// --8<-- [end:ingest]

/** Returns the text, cut for each embedding, or why there is nothing to index. */
async function read(env: Env, { key }: Place, names: Name[]): Promise<Version | Unreadable> {
  const object = await env.BUCKET.get(key);
  if (object === null) return { version: undefined, why: "removed" };
  const { version } = object;
  const audience = object.customMetadata?.audience ?? "all";
  if (object.size > DOCUMENT_LIMIT_BYTES) return { version, why: "too_large" };
  if (!AUDIENCE.test(audience)) return { version, why: "invalid_audience" };
  let text: string;
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
    text = decoder.decode(await object.arrayBuffer());
  } catch (error) {
    if (error instanceof TypeError) return { version, why: "not_text" };
    throw error;
  }
  const parts = names.map((name) => ({
    name,
    texts: cut(text, EMBEDDINGS[name].chunkCharacters),
  }));
  if (parts.some(({ texts }) => texts.length === 0)) return { version, why: "empty" };
  if (parts.some(({ texts }) => texts.length > MOST_PARTS))
    return { version, why: "too_many_parts" };
  return { version, audience, parts };
}
