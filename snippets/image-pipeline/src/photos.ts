import { forgetVariants, tagOf } from "./cache";
import { json, type Log } from "./http";
import { deleteName, readName } from "./names";
import { deleteOriginal } from "./store";
import { parseListed } from "./variants";

// --8<-- [start:name]
const POINTER_TTL_S = 60;

/** Tomorrow a name may mean another photo, so this answer has a short life. */
export async function sendToVariant(
  bucket: R2Bucket,
  name: string,
  size: string,
  log: Log,
): Promise<Response> {
  const listed = parseListed(size);
  const hash = await readName(bucket, name, log);
  const headers = {
    Location: `/images/${hash}/${listed}`,
    "Cache-Control": `public, max-age=${POINTER_TTL_S}`,
  };
  return new Response(null, { status: 302, headers });
}
// --8<-- [end:name]

// --8<-- [start:remove]
export async function removePhoto(
  bucket: R2Bucket,
  name: string,
  log: Log,
): Promise<Response> {
  await deleteName(bucket, name, log);
  log("name_removed", { name });
  return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
}

/** Takedown. The answer names the tag to purge in all other locations. */
export async function removeOriginal(
  bucket: R2Bucket,
  hash: string,
  site: string,
  log: Log,
): Promise<Response> {
  await deleteOriginal(bucket, hash, log);
  await forgetVariants(site, hash);
  log("taken_down", { hash });
  return json({ hash, purge_tag: tagOf(hash) });
}
// --8<-- [end:remove]
