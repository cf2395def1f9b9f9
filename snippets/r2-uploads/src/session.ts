import { jwtVerify } from "jose";
import { HttpError, log } from "./http";

const LEAST_CHARACTERS = 32;
const COOKIE = "__Host-session=";
const USER = /^[a-z0-9-]{1,64}$/;

// --8<-- [start:session]
/** Returns the user whom the session names: a JWT of your login service, signed HS256. */
export async function userOf(request: Request, sessionKey: string): Promise<string> {
  requireStrong(sessionKey);
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  // <img> and <video> can send a cookie only. Another site can make a browser send it too,
  // so it opens nothing that changes data.
  const reads = request.method === "GET" || request.method === "HEAD";
  const cookie = reads ? onlyCookie(request.headers.get("Cookie") ?? "") : undefined;
  const { payload } = await jwtVerify(
    bearer ?? cookie ?? "",
    new TextEncoder().encode(sessionKey),
    { algorithms: ["HS256"], audience: "uploads", requiredClaims: ["sub", "exp"] },
  ).catch(() => {
    throw unauthenticated();
  });
  // The name becomes part of the object key.
  const user = payload.sub ?? "";
  if (!USER.test(user)) throw unauthenticated();
  return user;
}

/** A name that comes twice is no session: a sibling hostname may have planted one of them. */
function onlyCookie(header: string): string | undefined {
  const pairs = header.split(/; */).filter((pair) => pair.startsWith(COOKIE));
  return pairs.length === 1 ? pairs[0]?.slice(COOKIE.length) : undefined;
}
// --8<-- [end:session]

function requireStrong(sessionKey: string): void {
  if (sessionKey?.length >= LEAST_CHARACTERS) return;
  log("error", "weak_secrets", { names: ["SESSION_KEY"], least: LEAST_CHARACTERS });
  throw new HttpError(503, "not_configured", "This service is not set up yet.");
}

const unauthenticated = () =>
  new HttpError(401, "unauthenticated", "Send a valid session.", {
    "WWW-Authenticate": 'Bearer realm="uploads"',
  });
