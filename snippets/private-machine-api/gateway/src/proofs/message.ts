// --8<-- [start:message]
/** The bytes that both sides sign: method, target, timestamp, nonce and the body's hash, one a line. */
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
/** Whether a target is in the one form that signer and runtime agree on; see "One form of the URL" on the page. */
export const isCanonical = (target: string) =>
  /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-F]{2})*$/.test(target) && !/^[^?]*\/\//.test(target);
// --8<-- [end:target]
