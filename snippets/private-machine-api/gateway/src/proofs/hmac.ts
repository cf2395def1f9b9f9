import { callerByKey } from "../callers";
import { Refusal, unauthenticated, unavailable } from "../errors";
import { isCanonical, messageToSign } from "./message";

const WINDOW_S = 300;
/** A minute longer than any signature passes, for machines whose clocks differ. */
const NONCE_KEPT_S = WINDOW_S + 60;
const KEY_MIN_CHARACTERS = 32;

const HEADERS = ["x-key-id", "x-timestamp", "x-nonce", "x-signature"] as const;

// --8<-- [start:verify]
export async function byHmac(
  request: Request,
  env: Env,
  body: () => Promise<Uint8Array>,
  acceptNonce: (keyId: string, nonce: string, expiresS: number) => Promise<boolean>,
): Promise<string | null> {
  const [keyId, timestamp, nonce, signature] = HEADERS.map((name) =>
    request.headers.get(name),
  );
  if ([keyId, timestamp, nonce, signature].every((value) => value === null)) return null;
  const refused = (why: string) =>
    unauthenticated(`hmac: ${callerByKey(keyId ?? "") ?? "unknown key id"}: ${why}`);

  // A header sent twice arrives joined by ", " and fails its pattern.
  if (
    !keyId ||
    !timestamp ||
    !nonce ||
    !/^\d{10}$/.test(timestamp) ||
    !/^[A-Za-z0-9_-]{16,64}$/.test(nonce)
  ) {
    throw refused("malformed header");
  }
  const given = /^v1=([0-9a-f]{64})$/.exec(signature ?? "")?.[1];
  if (!given) throw refused("malformed signature");

  const signedS = Number(timestamp);
  const outsideWindow = () => Math.abs(Date.now() / 1000 - signedS) > WINDOW_S;
  if (outsideWindow()) throw refused("outside the window");

  const { pathname, search } = new URL(request.url);
  if (!isCanonical(pathname + search))
    throw new Refusal(400, "not_canonical", "Encode the URL as the signing rules say.");

  const message = await messageToSign(
    request.method,
    pathname + search,
    timestamp,
    nonce,
    await body(),
  );
  const checks = await Promise.all(
    keysOf(env, keyId).map((key) => verify(key, given, message)),
  );
  if (!checks.includes(true)) throw refused("wrong signature");
  // Again: a copy whose body trickles in must not outlive the memory of its nonce.
  if (outsideWindow()) throw refused("outside the window");

  // Last, so that nobody without the key can use up a nonce.
  const first = await acceptNonce(keyId, nonce, signedS + NONCE_KEPT_S).catch((error) => {
    throw unavailable(`hmac: ${keyId}: nonces: ${error}`);
  });
  if (!first) throw refused("replayed nonce");
  return keyId;
}
// --8<-- [end:verify]

// --8<-- [start:keys]
/** One key, or two while a caller rotates: the new and the old. */
function keysOf(env: Env, keyId: string): string[] {
  let all: Map<string, unknown>;
  try {
    all = new Map(Object.entries(JSON.parse(env.HMAC_KEYS)));
  } catch {
    // The parser's own message would quote the keys.
    throw unavailable("hmac: HMAC_KEYS is not a JSON object");
  }
  // One key that can be guessed closes this proof for everybody, so it is found at once.
  if (![...all.values()].every((keys) => Array.isArray(keys) && keys.every(isStrong)))
    throw unavailable("hmac: HMAC_KEYS holds a key that is no text or too short");
  const keys = callerByKey(keyId) ? ((all.get(keyId) ?? []) as string[]) : [];
  return keys.slice(0, 2);
}

const isStrong = (key: unknown) =>
  typeof key === "string" && key.length >= KEY_MIN_CHARACTERS;

async function verify(secret: string, hex: string, message: Uint8Array): Promise<boolean> {
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  const pairs = hex.match(/../g) ?? [];
  const signature = Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
  return crypto.subtle.verify("HMAC", key, signature, message); // Compares in constant time.
}
// --8<-- [end:keys]
