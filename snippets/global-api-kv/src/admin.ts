import { HttpError } from "./http";

// --8<-- [start:admin]
export async function requireAdmin(request: Request, secret: string): Promise<void> {
  const given = /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (given !== undefined && (await same(given, secret))) return;
  console.warn({ event: "write_refused", proof: given === undefined ? "none" : "wrong" });
  throw new HttpError(401, "unauthorized", "Writing takes the admin token.", {
    "WWW-Authenticate": 'Bearer realm="flags"',
  });
}

// timingSafeEqual throws on unequal lengths, and a length is a hint: digests always have
// the same one.
async function same(given: string, secret: string): Promise<boolean> {
  return crypto.subtle.timingSafeEqual(await digest(given), await digest(secret));
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
// --8<-- [end:admin]
