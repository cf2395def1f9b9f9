import { HttpError } from "./http";

// --8<-- [start:auth]
/** Only the shop's own backend may see and place orders. */
export async function requireShop(request: Request, secret: string): Promise<void> {
  const given = /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  // Digests have one length: timingSafeEqual throws on unequal ones.
  const [a, b] = await Promise.all([digest(given ?? ""), digest(secret)]);
  if (crypto.subtle.timingSafeEqual(a, b)) return;
  throw new HttpError(401, "unauthorized", "Orders take the shop's token.", {
    "WWW-Authenticate": 'Bearer realm="orders"',
  });
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
// --8<-- [end:auth]
