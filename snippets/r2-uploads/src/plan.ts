const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;

// --8<-- [start:plan]
// R2's limits: https://developers.cloudflare.com/r2/platform/limits/
export const MAX_PUT_BYTES = 5 * GIB - 5 * MIB; // one request, or one part
export const MAX_OBJECT_BYTES = 5 * TIB - 5 * GIB;
const MAX_PARTS = 10_000;
const PART_BYTES = 16 * MIB; // our choice; R2 wants at least 5 MiB

export type Plan = { part_bytes: number; parts: number };

/** R2 wants parts of one size, and only the last one smaller. */
export function planParts(size: number): Plan {
  const least = Math.ceil(size / MAX_PARTS / MIB) * MIB;
  const part_bytes = Math.max(PART_BYTES, least);
  return { part_bytes, parts: Math.ceil(size / part_bytes) };
}
// --8<-- [end:plan]
