import { HttpError } from "./http";

export type Place = { tenant: string; key: string };

const TENANT = /^[a-z0-9-]{1,32}$/;
const KEY = /^[a-z0-9-]{1,32}\/[\w.-]+(\/[\w.-]+)*\.(md|txt)$/;

export const isTenant = (text: unknown): text is string =>
  typeof text === "string" && TENANT.test(text);

/** The first part of an object's key is its tenant; nothing inside the file can change it. */
export function placeOf(key: unknown): Place | null {
  if (typeof key !== "string" || key.length > 256 || !KEY.test(key)) return null;
  return { tenant: key.slice(0, key.indexOf("/")), key };
}

export function requirePlace(key: string): Place {
  const place = placeOf(key);
  if (place) return place;
  const message = "A document is named tenant/path.md or tenant/path.txt.";
  throw new HttpError(400, "invalid_key", message);
}

// --8<-- [start:id]
/** 40 bytes or fewer of the 64 that an id may have. The same version of the same document
 *  gets the same ids, so doing the work twice changes nothing. */
export async function chunkIds(
  embedding: string,
  { key }: Place,
  version: string,
  count: number,
): Promise<string[]> {
  const name = new TextEncoder().encode(JSON.stringify([embedding, key, version]));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", name));
  const prefix = [...hash.subarray(0, 16)].map((b) => b.toString(16).padStart(2, "0"));
  return Array.from({ length: count }, (_, n) => `${prefix.join("")}-${n}`);
}
// --8<-- [end:id]
