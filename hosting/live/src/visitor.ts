import { HttpError } from "./http";

const NAME = "__Host-live";
const LIFE_S = 24 * 60 * 60;
const KEY_MIN_CHARACTERS = 32;

export type Visitor = { id: string; cookie?: string };

/** A visitor is a random number that we signed: a made-up one opens no sandbox, and none can be guessed. */
export async function knownVisitor(request: Request, secret: string): Promise<Visitor | null> {
  const given = onlyCookie(request.headers.get("Cookie") ?? "");
  const [, id = "", expires = "", proof = ""] = /^([0-9a-f]{32})\.(\d{10})\.([0-9a-f]{64})$/.exec(given) ?? [];
  const right = same(proof, await sign(secret, `${id}.${expires}`));
  return right && Number(expires) * 1000 > Date.now() ? { id } : null;
}

/** Only a space is skipped before a name, and a name that comes twice is none: a sibling hostname may have planted it. */
function onlyCookie(header: string): string {
  const pairs = header.split(/; */).filter((pair) => pair.startsWith(`${NAME}=`));
  return pairs.length === 1 ? (pairs[0] ?? "").slice(NAME.length + 1) : "";
}

export async function newVisitor(secret: string): Promise<Visitor> {
  const id = hex(crypto.getRandomValues(new Uint8Array(16)));
  const expires = Math.floor(Date.now() / 1000) + LIFE_S;
  const proof = await sign(secret, `${id}.${expires}`);
  const flags = `Path=/; Max-Age=${LIFE_S}; HttpOnly; Secure; SameSite=Strict`;
  return { id, cookie: `${NAME}=${id}.${expires}.${proof}; ${flags}` };
}

/** An IPv6 customer owns a /64 at least: counting addresses would count nobody. */
export function networkOf(address: string): string {
  // The URL parser brings every spelling of an IPv6 address into one, in hexadecimal groups.
  const one = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1);
  if (!one) return address;
  // An IPv4 customer, as a socket for both versions shows it.
  const inside = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(one)?.slice(1);
  if (inside) {
    const bytes = inside.map((hex) => parseInt(hex, 16)).flatMap((n) => [n >> 8, n & 255]);
    return bytes.join(".");
  }
  const [head = [], tail = []] = one.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = Array<string>(8 - head.length - tail.length).fill("0");
  const groups = [...head, ...zeros, ...tail];
  return groups.slice(0, 4).join(":");
}

/** Until the key cannot be guessed, nothing is answered. The log gets its name, never its value. */
export function requireKey(secret: string): void {
  if (secret?.length >= KEY_MIN_CHARACTERS) return;
  console.error({ event: "weak_secrets", names: ["VISITOR_KEY"], least: KEY_MIN_CHARACTERS });
  throw new HttpError(503, "not_configured", "This service is not set up yet.");
}

async function sign(secret: string, text: string): Promise<string> {
  const bytes = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes.encode(secret), algorithm, false, ["sign"]);
  return hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes.encode(`visitor:${text}`))));
}

function same(given: string, expected: string): boolean {
  const bytes = new TextEncoder();
  return given.length === expected.length && crypto.subtle.timingSafeEqual(bytes.encode(given), bytes.encode(expected));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
