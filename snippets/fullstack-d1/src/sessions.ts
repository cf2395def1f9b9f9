import { cookieFor, LIFE_S, NO_COOKIE, readCookie } from "./cookie";
import { HttpError } from "./http";
import { hex, keysOf, same, sign } from "./keys";

export type User = { id: string; sessionId: string; email: string; cookie?: string };

// --8<-- [start:start]
/** The statements that begin a session, to run in one batch with others. */
export function startSession(db: D1Database, userId: string) {
  const nowS = Math.floor(Date.now() / 1000);
  const sessionId = hex(crypto.getRandomValues(new Uint8Array(16)));
  const expiresS = nowS + LIFE_S;
  const statements = [
    db
      .prepare("DELETE FROM sessions WHERE user_id = ?1 AND expires_at <= ?2")
      .bind(userId, nowS),
    db
      .prepare("INSERT INTO sessions (user_id, id, expires_at) VALUES (?1, ?2, ?3)")
      .bind(userId, sessionId, expiresS),
  ];
  return { claims: { userId, sessionId, expiresS }, statements };
}
// --8<-- [end:start]

// --8<-- [start:require]
/** Always asks the primary, never a replica: a logout counts at once. */
export async function requireUser(request: Request, env: Env): Promise<User> {
  const claims = await readCookie(request, env.SESSION_KEYS);
  const row =
    claims &&
    (await env.DB.prepare(
      `SELECT email FROM sessions JOIN users ON users.id = sessions.user_id
       WHERE sessions.user_id = ?1 AND sessions.id = ?2 AND expires_at > ?3`,
    )
      .bind(claims.userId, claims.sessionId, Math.floor(Date.now() / 1000))
      .first<{ email: string }>());
  if (!claims || !row) {
    throw new HttpError(401, "signed_out", "Sign in first.", {
      "Set-Cookie": NO_COOKIE,
    });
  }
  const { userId: id, sessionId } = claims;
  if (!claims.oldKey) return { id, sessionId, email: row.email };
  const cookie = await cookieFor(claims, env.SESSION_KEYS);
  return { id, sessionId, email: row.email, cookie };
}

/** Our page knows this token; another site's page cannot read it. */
export async function csrfToken(sessionId: string, secret: string): Promise<string> {
  const [key = ""] = keysOf(secret);
  return sign(key, "csrf", sessionId);
}

export async function requireCsrf(
  request: Request,
  user: User,
  secret: string,
): Promise<void> {
  const given = request.headers.get("X-CSRF-Token") ?? "";
  for (const key of keysOf(secret)) {
    if (same(given, await sign(key, "csrf", user.sessionId))) return;
  }
  const message = "The page is too old. Load it again.";
  throw new HttpError(403, "csrf_token", message);
}
// --8<-- [end:require]
