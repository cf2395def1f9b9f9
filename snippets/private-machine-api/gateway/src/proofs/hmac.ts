import { callerByKey } from "../callers";
import { Refusal, tooMany, unauthenticated, unavailable } from "../errors";
import type { Stored } from "../nonces";
import { hashOf, isCanonical, messageToSign, VERSION } from "./message";

const WINDOW_S = 300;
/** A minute longer than any signature passes, for machines whose clocks differ. */
const NONCE_KEPT_S = WINDOW_S + 60;
const KEY_MIN_CHARACTERS = 32;

interface UsedNonces {
  has(nonce: string): Promise<boolean>;
  accept(nonce: string, expiresS: number): Promise<Stored>;
}

// --8<-- [start:parse]
const FORMS = {
  "x-key-id": /^[\w-]{1,64}$/,
  "x-timestamp": /^\d{10}$/,
  "x-nonce": /^[A-Za-z0-9_-]{16,64}$/,
  "x-content-sha256": /^[0-9a-f]{64}$/,
  "x-signature": new RegExp(`^${VERSION}=[0-9a-f]{64}$`),
};

/** The five headers, or null when there is none of them. */
function proofIn(headers: Headers) {
  const of = (name: keyof typeof FORMS) => headers.get(name) ?? "";
  const names = Object.keys(FORMS) as (keyof typeof FORMS)[];
  if (names.every((name) => of(name) === "")) return null;
  const keyId = of("x-key-id");
  const refused = (why: string) =>
    unauthenticated(`hmac: ${callerByKey(keyId) ?? "unknown key id"}: ${why}`);
  // A header sent twice arrives joined by ", " and fails its pattern.
  const wrong = names.find((name) => !FORMS[name].test(of(name)));
  if (wrong) throw refused(`malformed ${wrong}`);
  return {
    keyId,
    timestamp: of("x-timestamp"),
    nonce: of("x-nonce"),
    bodyHash: of("x-content-sha256"),
    signature: of("x-signature"),
    refused,
  };
}
// --8<-- [end:parse]

// --8<-- [start:verify]
/** Nothing is read before the signature is right, nothing stored before all is right. */
export async function byHmac(
  request: Request,
  env: Env,
  body: () => Promise<Uint8Array>,
  noncesOf: (keyId: string) => UsedNonces,
): Promise<string | null> {
  const proof = proofIn(request.headers);
  if (proof === null) return null;
  const { keyId, timestamp, nonce, bodyHash, signature, refused } = proof;
  const { pathname, search } = new URL(request.url);
  const target = pathname + search;
  if (!isCanonical(target))
    throw new Refusal(400, "not_canonical", "Encode the URL as the signing rules say.");

  // 1 The signature, over the hash that the client sends instead of the body itself.
  const message = messageToSign(request.method, target, timestamp, nonce, bodyHash);
  const hex = signature.slice(VERSION.length + 1);
  const checks = await Promise.all(
    keysOf(env, keyId).map((key) => verify(key, hex, message)),
  );
  if (!checks.includes(true)) throw refused("wrong signature");

  // 2 The time window.
  const outsideWindow = () => Math.abs(Date.now() / 1000 - Number(timestamp)) > WINDOW_S;
  if (outsideWindow()) throw refused("outside the window");

  // 3 The nonce, only looked up.
  const used = noncesOf(keyId);
  const unreadable = (error: unknown): never => {
    throw unavailable(`hmac: ${keyId}: nonces: ${error}`);
  };
  if (await used.has(nonce).catch(unreadable)) throw refused("replayed nonce");

  // 4 The body, at last.
  if ((await hashOf(await body())) !== bodyHash) throw refused("another body");

  // 5 Again: a copy whose body trickles in must not outlive the memory of its nonce.
  if (outsideWindow()) throw refused("outside the window");

  // 6 Of two copies that came this far together, one is stored.
  const stored = await used.accept(nonce, Number(timestamp) + NONCE_KEPT_S).catch(unreadable);
  if (stored === "used") throw refused("replayed nonce");
  if (stored === "full") throw tooMany(`hmac: ${keyId}: too many nonces`);
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
