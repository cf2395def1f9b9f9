import { Refusal } from "../../shared/errors";

/** The platform's staff, or one tenant. */
export type Caller = { staff: true } | { staff: false; tenant: string };

const LEAST_CHARACTERS = 32;
const TENANT_TOKEN = /^([a-z][a-z0-9-]{2,30})\.[A-Za-z0-9_-]{43}$/;

// --8<-- [start:auth]
/** Who sends the request. A tenant's token names it: `acme.<43 random characters>`. */
export async function callerOf(request: Request, env: Env): Promise<Caller> {
  requireStrong("STAFF_TOKEN", env.STAFF_TOKEN);
  const given = /^Bearer (\S{1,200})$/.exec(request.headers.get("authorization") ?? "")?.[1];
  if (given && equal(await sha256(given), await sha256(env.STAFF_TOKEN)))
    return { staff: true };
  const tenant = given && TENANT_TOKEN.exec(given)?.[1];
  if (given && tenant) {
    const row = await env.DB.prepare("SELECT token_sha256 FROM tenants WHERE id = ?")
      .bind(tenant)
      .first<{ token_sha256: string }>();
    if (row && equal(await sha256(given), row.token_sha256)) return { staff: false, tenant };
  }
  throw new Refusal(401, "unauthenticated", "Send your token.", "no valid token", {
    "WWW-Authenticate": 'Bearer realm="control"',
  });
}

export function newToken(tenant: string): string {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const text = btoa(String.fromCharCode(...random));
  return `${tenant}.${text.replace(/[+/=]/g, (c) => ({ "+": "-", "/": "_" })[c] ?? "")}`;
}
// --8<-- [end:auth]

/** The log gets the name of a secret that can be guessed, never its value. */
function requireStrong(name: string, secret: string): void {
  if (secret?.length >= LEAST_CHARACTERS) return;
  const reason = `${name} has less than ${LEAST_CHARACTERS} characters`;
  throw new Refusal(503, "not_configured", "This service is not set up yet.", reason);
}

export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Both are hashes of one length, so the time tells nothing. */
function equal(a: string, b: string): boolean {
  const bytes = (text: string) => new TextEncoder().encode(text);
  return crypto.subtle.timingSafeEqual(bytes(a), bytes(b));
}
