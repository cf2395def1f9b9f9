import { encodingOf } from "./accept";
import { findVariant, keepVariant } from "./cache";
import { HttpError, type Log } from "./http";
import { type Picture, resize, Unreadable } from "./images";
import { readOriginal, requireOriginal } from "./store";
import type { Variant } from "./variants";

const FOREVER = "public, max-age=31536000, immutable";

// --8<-- [start:serve]
export async function serveVariant(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  hash: string,
  variant: Variant,
  log: Log,
): Promise<Response> {
  const { pathname } = new URL(request.url);
  const kept = await findVariant(env.SITE, hash, variant);
  // A takedown forgets the listed sizes. Nobody has a list of the signed ones.
  if (kept && variant.lifetimeS !== undefined)
    await requireOriginal(env.ORIGINALS, hash, log);
  const picture = kept ?? (await makeVariant(env, hash, variant, log));
  if (!kept) ctx.waitUntil(keepVariant(env, hash, variant, picture, log));
  const tag = `"${pathname.split("/").slice(2).join("-")}-${variant.format}"`;
  const { lifetimeS, negotiated } = variant;
  const headers = new Headers({
    "Content-Type": picture.type,
    "Cache-Control": lifetimeS === undefined ? FOREVER : `public, max-age=${lifetimeS}`,
    "Cache-Status": `photos; ${kept ? "hit" : "fwd=miss"}`,
    "X-Content-Type-Options": "nosniff",
    ETag: `W/${tag}`,
  });
  if (negotiated) headers.set("Vary", "Accept");
  const known = request.headers.get("If-None-Match")?.split(/[ \t]*,[ \t]*/) ?? [];
  return known.some((one) => one.replace(/^W\//, "") === tag)
    ? new Response(null, { status: 304, headers })
    : new Response(picture.bytes, { headers });
}
// --8<-- [end:serve]

// --8<-- [start:make]
async function makeVariant(
  env: Env,
  hash: string,
  variant: Variant,
  log: Log,
): Promise<Picture> {
  const started = Date.now();
  const original = await readOriginal(env.ORIGINALS, hash, log);
  const { width, height } = original.customMetadata ?? {};
  const format = encodingOf(variant, Number(width), Number(height));
  const size = { width: variant.width, height: variant.height };
  try {
    const made = await resize(env.IMAGES, original.body, size, format, log);
    const ms = Date.now() - started;
    log("variant_made", { hash, ...size, format, bytes: made.bytes.byteLength, ms });
    return made;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    log("original_unreadable", { hash });
    const message = "The original of this photo cannot be read.";
    throw new HttpError(502, "original_unreadable", message);
  }
}
// --8<-- [end:make]
