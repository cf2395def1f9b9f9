import { readFields } from "./body";
import { type Claims, cookieFor, NO_COOKIE } from "./cookie";
import { parseAccount } from "./fields";
import { clientOf, refuseTooMany } from "./guard";
import { HttpError, json, type Log } from "./http";
import { same } from "./keys";
import { checkPassword, hashPassword } from "./password";
import { csrfToken, startSession, type User } from "./sessions";

// --8<-- [start:login]
export async function login(request: Request, env: Env, log: Log): Promise<Response> {
  await refuseTooMany(env.PER_CLIENT, clientOf(request));
  const { email, password } = parseAccount(await readFields(request, "email", "password"));
  await refuseTooMany(env.PER_ACCOUNT, email);
  const user = await env.DB.prepare("SELECT id, password FROM users WHERE email = ?1")
    .bind(email)
    .first<{ id: string; password: string }>();
  const right = await checkPassword(password, env.PASSWORD_KEY, user?.password);
  if (!user || !right) {
    log("login_refused");
    const message = "Email or password is wrong.";
    throw new HttpError(401, "wrong_login", message);
  }
  const { claims, statements } = startSession(env.DB, user.id);
  await env.DB.batch(statements);
  log("login", { user: user.id });
  return signedIn(email, claims, env);
}
// --8<-- [end:login]

// --8<-- [start:signup]
export async function signup(request: Request, env: Env, log: Log): Promise<Response> {
  await refuseTooMany(env.PER_CLIENT, clientOf(request));
  const fields = await readFields(request, "email", "password", "invite");
  const { invite, ...account } = fields;
  // Before the email: who has no invitation learns nothing about other accounts.
  if (typeof invite !== "string" || !same(invite, env.INVITE_CODE)) {
    throw new HttpError(403, "wrong_invite", "The invitation code is wrong.");
  }
  const { email, password } = parseAccount(account);
  const hash = await hashPassword(password, env.PASSWORD_KEY);
  const { claims, statements } = startSession(env.DB, crypto.randomUUID());
  const insert = env.DB.prepare(
    "INSERT INTO users (id, email, password) VALUES (?1, ?2, ?3)",
  ).bind(claims.userId, email, hash);
  try {
    await env.DB.batch([insert, ...statements]);
  } catch (error) {
    if (!String(error).includes("UNIQUE constraint failed: users.email")) throw error;
    const message = "There is an account with this email. Sign in.";
    throw new HttpError(409, "email_taken", message);
  }
  log("signup", { user: claims.userId });
  return signedIn(email, claims, env, 201);
}
// --8<-- [end:signup]

async function signedIn(
  email: string,
  claims: Claims,
  env: Env,
  status = 200,
): Promise<Response> {
  const csrf = await csrfToken(claims.sessionId, env.SESSION_KEYS);
  const cookie = await cookieFor(claims, env.SESSION_KEYS);
  return json({ email, csrf }, status, { "Set-Cookie": cookie });
}

export async function showSession(env: Env, user: User): Promise<Response> {
  const csrf = await csrfToken(user.sessionId, env.SESSION_KEYS);
  return json({ email: user.email, csrf });
}

// --8<-- [start:logout]
/** Deletes the row, so a copy of the cookie is worth nothing either. */
export async function logout(env: Env, user: User, log: Log): Promise<Response> {
  await env.DB.prepare("DELETE FROM sessions WHERE user_id = ?1 AND id = ?2")
    .bind(user.id, user.sessionId)
    .run();
  log("logout", { user: user.id });
  return new Response(null, { status: 204, headers: { "Set-Cookie": NO_COOKIE } });
}
// --8<-- [end:logout]
