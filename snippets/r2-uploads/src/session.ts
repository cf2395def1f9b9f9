import { jwtVerify } from "jose";
import { HttpError } from "./http";

const USER = /^[a-z0-9-]{1,64}$/;

// --8<-- [start:session]
/** Returns the user whom the session names: a JWT of your login service, signed HS256. */
export async function userOf(request: Request, sessionKey: string): Promise<string> {
  if (!sessionKey) throw new Error("SESSION_KEY is not set");
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  // <img> and <video> can send a cookie only. Another site can make a browser send it too,
  // so it opens nothing that changes data.
  const reads = request.method === "GET" || request.method === "HEAD";
  const cookie = reads
    ? /(?:^|; *)__Host-session=([^;\s]+)/.exec(request.headers.get("Cookie") ?? "")?.[1]
    : undefined;
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
// --8<-- [end:session]

const unauthenticated = () =>
  new HttpError(401, "unauthenticated", "Send a valid session.", {
    "WWW-Authenticate": 'Bearer realm="uploads"',
  });
