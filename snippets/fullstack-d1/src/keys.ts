const bytes = new TextEncoder();

// --8<-- [start:keys]
/** "new,old": the first key signs, each of them is accepted. */
export function keysOf(secret: string): string[] {
  return (secret ?? "").split(",").map((key) => key.trim());
}

/** The purpose keeps a signature for one thing from serving as another. */
export async function sign(key: string, purpose: string, text: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const raw = bytes.encode(key);
  const secret = await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign"]);
  const message = bytes.encode(`${purpose}:${text}`);
  return hex(await crypto.subtle.sign("HMAC", secret, message));
}

/** Takes as long for a wrong text as for the right one. */
export function same(given: string, expected: string): boolean {
  const [a, b] = [bytes.encode(given), bytes.encode(expected)];
  return a.length === b.length && crypto.subtle.timingSafeEqual(a, b);
}
// --8<-- [end:keys]

export function hex(data: ArrayBuffer | Uint8Array): string {
  const octets = data instanceof Uint8Array ? data : new Uint8Array(data);
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}
