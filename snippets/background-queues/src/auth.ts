import { HttpError } from "./http";
import { parseKeys } from "./secrets";

// --8<-- [start:auth]
/** The key tells whose jobs a caller may see. */
export async function requireOwner(request: Request, keys: string): Promise<string> {
  const given = bearer(request);
  let owner: string | undefined;
  for (const [name, key] of Object.entries(parseKeys(keys) ?? {})) {
    if (await same(given, key)) owner = name;
  }
  if (owner !== undefined) return owner;
  throw refused("Send your API key as a bearer token.");
}

export async function requireAdmin(request: Request, token: string): Promise<void> {
  if (await same(bearer(request), token)) return;
  throw refused("This takes the admin token.");
}

function bearer(request: Request): string {
  return /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1] ?? "";
}

// timingSafeEqual throws on unequal lengths, and a length is a hint: digests have one.
async function same(given: string, secret: string): Promise<boolean> {
  return crypto.subtle.timingSafeEqual(await digest(given), await digest(secret));
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
// --8<-- [end:auth]

function refused(message: string): HttpError {
  return new HttpError(401, "unauthorized", message, {
    "WWW-Authenticate": 'Bearer realm="jobs"',
  });
}
