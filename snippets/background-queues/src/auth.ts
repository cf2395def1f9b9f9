import { HttpError } from "./http";

/** Below this a secret is a mistake. A good one is random and much longer. */
const LEAST_CHARACTERS = 12;

// --8<-- [start:auth]
/** API_KEYS is {"owner": "key", …}: the key tells whose jobs a caller may see. */
export async function requireOwner(request: Request, keys: string): Promise<string> {
  const given = bearer(request);
  let owner: string | undefined;
  for (const [name, key] of Object.entries(parseKeys(keys))) {
    if (await same(given, key)) owner = name;
  }
  if (owner !== undefined) return owner;
  throw refused("Send your API key as a bearer token.");
}

export async function requireAdmin(request: Request, token: string): Promise<void> {
  if (await same(bearer(request), token)) return;
  throw refused("This takes the admin token.");
}

/** The errors quote nothing of the secret, unlike the parser's own. */
function parseKeys(keys: string): Record<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(keys);
  } catch {
    throw new Error("API_KEYS is no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("API_KEYS is no JSON object");
  if (Object.values(value).some((key) => typeof key !== "string"))
    throw new Error("API_KEYS holds a key that is no text");
  return value as Record<string, string>;
}

function bearer(request: Request): string {
  return /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1] ?? "";
}

// timingSafeEqual throws on unequal lengths, and a length is a hint: digests have one.
async function same(given: string, secret: string): Promise<boolean> {
  if (!(secret?.length >= LEAST_CHARACTERS))
    throw new Error(`a key or token has less than ${LEAST_CHARACTERS} characters`);
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
