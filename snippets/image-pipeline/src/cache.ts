import { firstLine, type Log } from "./http";
import type { Picture } from "./images";
import { isThere } from "./store";
import { FORMATS, type Variant, WIDTHS } from "./variants";

const EDGE_TTL_S = 30 * 24 * 3600;

// --8<-- [start:cache]
/** The Cache API ignores Vary, so the format stands in the key. */
function keyOf(origin: string, hash: string, variant: Variant): string {
  const { width, height, format } = variant;
  const size = height === undefined ? width : `${width}x${height}`;
  return `${origin}/images/${hash}/${size}.${format}`;
}

export const tagOf = (hash: string) => `original-${hash}`;

export async function findVariant(
  origin: string,
  hash: string,
  variant: Variant,
): Promise<Picture | undefined> {
  const kept = await caches.default.match(keyOf(origin, hash, variant));
  const type = kept?.headers.get("Content-Type");
  return kept && type ? { type, bytes: await kept.arrayBuffer() } : undefined;
}

/** Nobody waits for this, and when it fails, only the next visitor loses time. */
export async function keepVariant(
  bucket: R2Bucket,
  origin: string,
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
  const key = keyOf(origin, hash, variant);
  try {
    await caches.default.put(key, copy);
    // Between reading and keeping, the original may have been taken down.
    if (await isThere(bucket, hash)) return;
    await caches.default.delete(key);
    log("taken_down_meanwhile", { hash });
  } catch (error) {
    log("cache_failed", { error: firstLine(error) });
  }
}

/** Empties this location only; elsewhere sizes end by a purge of the tag. */
export async function forgetVariants(origin: string, hash: string): Promise<void> {
  const keys = WIDTHS.flatMap((width) =>
    FORMATS.map((format) => keyOf(origin, hash, { width, format })),
  );
  await Promise.all(keys.map((key) => caches.default.delete(key)));
}
// --8<-- [end:cache]
