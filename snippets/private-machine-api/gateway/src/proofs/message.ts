// --8<-- [start:message]
/**
 * The bytes that both sides sign: method, target, timestamp, nonce and the body's hash, one
 * a line.
 */
export async function messageToSign(
  method: string,
  target: string,
  timestamp: string,
  nonce: string,
  body: Uint8Array,
): Promise<Uint8Array> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return new TextEncoder().encode([method, target, timestamp, nonce, hash].join("\n"));
}
// --8<-- [end:message]

// --8<-- [start:target]
const ALLOWED = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-F]{2})*$/;
// Digits, letters, - . _ ~
const NEEDLESSLY_ENCODED = /%(?:3\d|[46][1-9A-F]|[57][0-9A]|2[DE]|5F|7E)/;
const EMPTY_SEGMENT = /^[^?]*\/\//;

/**
 * Whether a target is in the one form that signer, edge and runtime agree on; see "One form
 * of the URL" on the page.
 */
export const isCanonical = (target: string) =>
  ALLOWED.test(target) && !NEEDLESSLY_ENCODED.test(target) && !EMPTY_SEGMENT.test(target);
// --8<-- [end:target]
