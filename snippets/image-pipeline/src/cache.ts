import { firstLine, type Log } from "./http";
import type { Picture } from "./images";
import { isThere } from "./store";
import { FORMATS, type Variant, WIDTHS } from "./variants";

const EDGE_TTL_S = 30 * 24 * 3600;

// --8<-- [start:cache]
/**
 * The Cache API ignores Vary, so the format is in the key. The host that a visitor names
 * is not: each spelling of it would be another copy, and another order to pay.
 */
function keyOf(site: string, hash: string, variant: Variant): string {
  const { width, height, format } = variant;
  const size = height === undefined ? width : `${width}x${height}`;
  return `${site}/images/${hash}/${size}.${format}`;
}

export const tagOf = (hash: string) => `original-${hash}`;

export async function findVariant(
  site: string,
  hash: string,
  variant: Variant,
): Promise<Picture | undefined> {
  const kept = await caches.default.match(keyOf(site, hash, variant));
  const type = kept?.headers.get("Content-Type");
  return kept && type ? { type, bytes: await kept.arrayBuffer() } : undefined;
}

/** Nobody waits for this, and when it fails, only the next visitor loses time. */
export async function keepVariant(
  env: Env,
  hash: string,
  variant: Variant,
  { type, bytes }: Picture,
  log: Log,
): Promise<void> {
  const headers = {
    "Content-Type": type,
    "Cache-Control": `max-age=${EDGE_TTL_S}`,
    "Cache-Tag": tagOf(hash),
  };
  const copy = new Response(bytes, { headers });
  const key = keyOf(env.SITE, hash, variant);
  try {
    await caches.default.put(key, copy);
    // Between reading and keeping, the original may have been taken down.
    if (await isThere(env.ORIGINALS, hash)) return;
    await caches.default.delete(key);
    log("taken_down_meanwhile", { hash });
  } catch (error) {
    log("cache_failed", { error: firstLine(error) });
    await caches.default.delete(key); // whether it may stay is not known
  }
}

/** Listed sizes, in this location only; elsewhere they end by a purge of the tag. */
export async function forgetVariants(site: string, hash: string): Promise<void> {
  const keys = WIDTHS.flatMap((width) =>
    FORMATS.map((format) => keyOf(site, hash, { width, format })),
  );
  await Promise.all(keys.map((key) => caches.default.delete(key)));
}
// --8<-- [end:cache]
