import { readText } from "./body";
import { type Flag, parseFlag } from "./flags";
import { HttpError } from "./http";

const TIMEOUT_MS = 2000;
const ORIGIN_TTL_S = 60;

// --8<-- [start:fallback]
/**
 * Only an answer that was checked is kept. `fetch` with `cf.cacheTtl` would keep it before
 * the check.
 */
export async function askOrigin(origin: string, name: string): Promise<Flag | null> {
  if (!origin) return null;
  const cache = await caches.open("origin-flags");
  // It is the key as well: with the caller's `Host` in it, each port would be another entry.
  const address = `${origin.replace(/\/$/, "")}/v1/flags/${name}`;
  const kept = /^https?:\/\/[^/]/.test(address) ? await cache.match(address) : undefined;
  if (kept) return kept.json<Flag>();
  const flag = await fetchFlag(address);
  if (flag) {
    const headers = { "Cache-Control": `max-age=${ORIGIN_TTL_S}` };
    await cache.put(address, new Response(JSON.stringify(flag), { headers }));
  }
  return flag;
}

async function fetchFlag(address: string): Promise<Flag | null> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(address, { redirect: "manual", signal });
    if (response.status === 200) return parseFlag(JSON.parse(await readText(response.body)));
    if (response.status === 404) return null;
    throw new Error(`status ${response.status}`);
  } catch (error) {
    console.error({ event: "origin_failed", error: String(error) });
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new HttpError(
      late ? 504 : 502,
      late ? "origin_too_slow" : "origin_failed",
      "The flag is not stored here, and the origin gave no usable answer.",
      { "Retry-After": "5" },
    );
  }
}
// --8<-- [end:fallback]
