import { jwtVerify } from "jose";
import { HttpError } from "./http";
import { isTenant } from "./names";

export type User = { id: string; tenant: string; audiences: string[] };

const WORD = /^[a-z0-9-]{1,32}$/;
const MOST_GROUPS = 20;

// --8<-- [start:session]
/** Tenant and groups come from the signed session and from nowhere else. */
export async function requireUser(request: Request, sessionKey: string): Promise<User> {
  const { payload } = await jwtVerify(bearer(request), new TextEncoder().encode(sessionKey), {
    algorithms: ["HS256"],
    audience: "answers",
    requiredClaims: ["sub", "exp"],
  }).catch(() => {
    throw unauthenticated();
  });
  const { sub = "", tenant, groups = [] } = payload;
  const known = Array.isArray(groups) && groups.length <= MOST_GROUPS;
  if (!WORD.test(sub) || !isTenant(tenant) || !known) throw unauthenticated();
  const names = groups.filter((g): g is string => typeof g === "string" && WORD.test(g));
  return { id: sub, tenant, audiences: ["all", ...names] };
}
// --8<-- [end:session]

export async function requireAdmin(request: Request, token: string): Promise<void> {
  const [given, wanted] = await Promise.all([digest(bearer(request)), digest(token)]);
  if (!crypto.subtle.timingSafeEqual(given, wanted)) throw unauthenticated();
}

const digest = (text: string) =>
  crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));

const bearer = (request: Request) =>
  /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1] ?? "";

const unauthenticated = () =>
  new HttpError(401, "unauthenticated", "Send a valid session or token.", {
    "WWW-Authenticate": 'Bearer realm="answers"',
  });
