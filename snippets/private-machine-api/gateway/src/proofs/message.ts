// --8<-- [start:message]
export const VERSION = "v2";

/**
 * The bytes that both sides sign: version, method, target, timestamp, nonce and the body's
 * hash, one a line. The version is signed, so no signature passes as one of another version.
 */
export function messageToSign(
  method: string,
  target: string,
  timestamp: string,
  nonce: string,
  bodyHash: string,
): Uint8Array {
  return new TextEncoder().encode(
    [VERSION, method, target, timestamp, nonce, bodyHash].join("\n"),
  );
}

/** SHA-256 in lower-case hex. */
export async function hashOf(body: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
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
