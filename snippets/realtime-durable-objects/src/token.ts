import { errors, jwtVerify } from "jose";
import { HttpError } from "./errors";
import { keysOf } from "./secrets";

const LONGEST_LIFE_S = 3600;
const USER = /^[A-Za-z0-9_-]{1,32}$/;

export type Ticket = { user: string; expiresMs: number };

// --8<-- [start:verify]
/** Check a token that your backend made: who may be in which room, and until when. */
export async function verify(token: string, room: string, keys: string): Promise<Ticket> {
  const { sub: user, room: granted, exp = 0 } = await signed(token, keys);
  if (typeof user !== "string" || !USER.test(user)) throw invalid("no usable user name");
  // A token that lives for years is a password: the mistake of an issuer ends here.
  if (exp * 1000 > Date.now() + LONGEST_LIFE_S * 1000) throw invalid("lives too long");
  if (granted !== room) {
    throw new HttpError(403, "wrong_room", "This token opens another room.", {}, user);
  }
  return { user, expiresMs: Math.floor(exp * 1000) };
}

async function signed(token: string, keys: string) {
  for (const key of keysOf(keys)) {
    try {
      const { payload } = await jwtVerify(token, new TextEncoder().encode(key), {
        algorithms: ["HS256"],
        audience: "rooms",
        requiredClaims: ["exp", "sub", "room"],
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) continue;
      if (error instanceof errors.JWTExpired)
        throw new HttpError(401, "token_expired", "This token is too old: get another.");
      throw invalid(error instanceof errors.JOSEError ? error.code : String(error));
    }
  }
  throw invalid("wrong signature");
}
// --8<-- [end:verify]

export function invalid(detail: string): HttpError {
  const message = "Entering a room takes a valid token.";
  return new HttpError(401, "invalid_token", message, {}, detail);
}
