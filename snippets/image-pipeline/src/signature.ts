import { HttpError } from "./http";
import { keysOf } from "./secrets";

// --8<-- [start:verify]
/**
 * Checks `?expires=…&signature=…` and returns the seconds that are left. The path
 * holds picture, size and format in one spelling, so path and time are all to sign.
 */
export async function requireSignature(url: URL, keys: string): Promise<number> {
  const { pathname, searchParams } = url;
  const expires = searchParams.get("expires") ?? "";
  const signature = searchParams.get("signature") ?? "";
  const complete =
    [...searchParams.keys()].sort().join() === "expires,signature" &&
    /^[1-9]\d{9}$/.test(expires) &&
    /^[0-9a-f]{64}$/.test(signature);
  if (!complete || !(await isSigned(`${pathname}?expires=${expires}`, signature, keys))) {
    throw new HttpError(403, "invalid_signature", "This address is not signed by us.");
  }
  const leftS = Number(expires) - Math.floor(Date.now() / 1000);
  if (leftS > 0) return leftS;
  throw new HttpError(403, "signature_expired", "This signed address has run out.");
}

// `verify` compares in constant time.
async function isSigned(text: string, signature: string, keys: string): Promise<boolean> {
  const encoder = new TextEncoder();
  const given = Uint8Array.from(signature.match(/../g) ?? [], (two) => parseInt(two, 16));
  const checks = keysOf(keys).map(async (secret) => {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey(
      "raw",
      encoder.encode(secret),
      algorithm,
      false,
      ["verify"],
    );
    return crypto.subtle.verify("HMAC", key, given, encoder.encode(text));
  });
  return (await Promise.all(checks)).includes(true);
}
// --8<-- [end:verify]
