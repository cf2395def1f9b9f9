import { keysOf, same, sign } from "./keys";

const NAME = "__Host-session";
export const LIFE_S = 7 * 24 * 60 * 60;

export type Claims = { userId: string; sessionId: string; expiresS: number };

// --8<-- [start:cookie]
/** Signed, so a made-up or expired cookie costs no query. */
export async function cookieFor(claims: Claims, secret: string): Promise<string> {
  const text = `${claims.userId}.${claims.sessionId}.${claims.expiresS}`;
  const [key = ""] = keysOf(secret);
  const value = `${text}.${await sign(key, "session", text)}`;
  const left = claims.expiresS - Math.floor(Date.now() / 1000);
  return `${NAME}=${value}; Max-Age=${left}; ${FLAGS}`;
}

export async function readCookie(
  request: Request,
  secret: string,
): Promise<(Claims & { oldKey: boolean }) | null> {
  const given = onlyCookie(request.headers.get("Cookie") ?? "");
  const parts = /^([0-9a-f-]{36})\.([0-9a-f]{32})\.(\d{10})\.([0-9a-f]{64})$/.exec(given);
  if (!parts) return null;
  const [, userId = "", sessionId = "", expires = "", proof = ""] = parts;
  if (Number(expires) * 1000 <= Date.now()) return null;
  const text = `${userId}.${sessionId}.${expires}`;
  for (const [index, key] of keysOf(secret).entries()) {
    if (!same(proof, await sign(key, "session", text))) continue;
    return { userId, sessionId, expiresS: Number(expires), oldKey: index > 0 };
  }
  return null;
}

/** A sibling hostname can plant a cookie whose name only looks like ours, with U+2000 in
 *  front of it. So only a space is skipped, and a name that comes twice is no session. */
function onlyCookie(header: string): string {
  const pairs = header.split(/; */).filter((pair) => pair.startsWith(`${NAME}=`));
  return pairs.length === 1 ? (pairs[0] ?? "").slice(NAME.length + 1) : "";
}

const FLAGS = "Path=/; HttpOnly; Secure; SameSite=Lax";
export const NO_COOKIE = `${NAME}=; Max-Age=0; ${FLAGS}`;
// --8<-- [end:cookie]
