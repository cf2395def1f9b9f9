import { hex, same, sign } from "./keys";

// --8<-- [start:password]
// The most that Cloudflare's network accepts. `wrangler dev` accepts more.
const ITERATIONS = 100_000;

/** Without PASSWORD_KEY, which is not in D1, a copy of the table cannot be guessed. */
async function derive(
  password: string,
  pepper: string,
  salt: string,
  iterations: number,
): Promise<string> {
  const text = new TextEncoder();
  const keyed = text.encode(await sign(pepper, "password", password.normalize("NFKC")));
  const key = await crypto.subtle.importKey("raw", keyed, "PBKDF2", false, ["deriveBits"]);
  const method = { name: "PBKDF2", hash: "SHA-256", salt: text.encode(salt), iterations };
  return hex(await crypto.subtle.deriveBits(method, key, 256));
}

export async function hashPassword(password: string, pepper: string): Promise<string> {
  const salt = hex(crypto.getRandomValues(new Uint8Array(16)));
  const hash = await derive(password, pepper, salt, ITERATIONS);
  return `pbkdf2-sha256$${ITERATIONS}$${salt}$${hash}`;
}

/** No user: the same work for a hash that nothing matches, so time tells nothing. */
export async function checkPassword(
  password: string,
  pepper: string,
  stored = `pbkdf2-sha256$${ITERATIONS}$${"0".repeat(32)}$-`,
): Promise<boolean> {
  const [, iterations, salt = "", hash = ""] = stored.split("$");
  return same(await derive(password, pepper, salt, Number(iterations)), hash);
}
// --8<-- [end:password]
