import { HttpError } from "./http";

const MIN_FILL_MS = 2000;
const LIFE_MS = 24 * 60 * 60 * 1000;

// --8<-- [start:token]
/** When the form was handed out, and the id of its message. Nothing is stored. */
export async function issueToken(secret: string, nowMs: number): Promise<string> {
  const claims = `${nowMs}.${crypto.randomUUID()}`;
  return `${claims}.${await mac(secret, claims)}`;
}

/** Return the id of the message. It exists once, so the token works once. */
export async function openToken(
  token: string | undefined,
  secret: string,
  nowMs: number,
): Promise<string> {
  const parts = /^(\d{13})\.([0-9a-f-]{36})\.([0-9a-f]{64})$/.exec(token ?? "");
  const [, issued = "", id = "", proof = ""] = parts ?? [];
  if (!same(proof, await mac(secret, `${issued}.${id}`))) {
    const message = "This form is not from here. Send it again.";
    throw new HttpError(403, "form_unknown", message);
  }
  const ageMs = nowMs - Number(issued);
  if (ageMs > LIFE_MS) {
    const message = "The form was open too long. Send it again.";
    throw new HttpError(403, "form_expired", message);
  }
  if (ageMs < MIN_FILL_MS) {
    const message = "Nobody types that fast. Wait a moment and send it again.";
    throw new HttpError(429, "sent_too_fast", message, { "Retry-After": "2" });
  }
  return id;
}
// --8<-- [end:token]

async function mac(secret: string, claims: string): Promise<string> {
  const bytes = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const raw = bytes.encode(secret);
  const key = await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign"]);
  const signed = await crypto.subtle.sign("HMAC", key, bytes.encode(`contact:${claims}`));
  return Array.from(new Uint8Array(signed), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

function same(given: string, expected: string): boolean {
  const bytes = new TextEncoder();
  return (
    given.length === expected.length &&
    crypto.subtle.timingSafeEqual(bytes.encode(given), bytes.encode(expected))
  );
}
