import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload } from "jose";
import { callerByAccess } from "../callers";
import { unauthenticated, unavailable } from "../errors";

const LEEWAY_S = 60;
const KEYS_MAX_AGE_MS = 60 * 60 * 1000;
const REFRESH_PAUSE_MS = 5_000;
const KEYS_LIMIT_BYTES = 1_000_000;

/**
 * Errors that mean the token is bad; any other means that the team's keys could not be
 * read.
 */
const BAD_TOKEN = [
  errors.JWTExpired,
  errors.JWTClaimValidationFailed,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];

const keysByTeam = new Map<string, ReturnType<typeof createRemoteJWKSet>>();

function keysOf(team: string) {
  let keys = keysByTeam.get(team);
  if (!keys) {
    const options = {
      cacheMaxAge: KEYS_MAX_AGE_MS,
      cooldownDuration: REFRESH_PAUSE_MS,
      timeoutDuration: 3_000,
      [customFetch]: async (url: string, init: RequestInit) =>
        limited(await fetch(url, init)),
    };
    keys = createRemoteJWKSet(new URL("/cdn-cgi/access/certs", team), options);
    keysByTeam.set(team, keys);
  }
  return keys;
}

/** The answer may be packed, so its bytes are counted as they unpack. */
function limited(response: Response): Response {
  let size = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength;
      if (size > KEYS_LIMIT_BYTES) controller.error(new Error("the answer is too large"));
      else controller.enqueue(chunk);
    },
  });
  return new Response(response.body?.pipeThrough(count) ?? null, response);
}

// `ctx.access` cannot replace this: it tells that Access let somebody in, not which service
// token. Without the question "which caller?" it would do.
// --8<-- [start:verify]
export async function byAccessToken(request: Request, env: Env): Promise<string | null> {
  const token = request.headers.get("cf-access-jwt-assertion");
  if (token === null) return null;
  if (!env.TEAM_DOMAIN) throw unauthenticated("access: not configured");
  // Elsewhere no Access stands in front: a copied token would outlive its service token.
  if (new URL(request.url).hostname !== env.ACCESS_HOSTNAME)
    throw unauthenticated("access: wrong hostname");
  const clientId = serviceOf(await verified(token, env));
  const caller = clientId === null ? null : callerByAccess(clientId);
  if (caller === null) throw unauthenticated("access: unknown client id");
  return caller;
}

/** A service token has a common name and an empty subject, and nothing that a person has. */
function serviceOf(claims: JWTPayload): string | null {
  const { type, common_name, sub, email, identity_nonce } = claims;
  const service = type === "app" && sub === "" && !email && !identity_nonce;
  return service && typeof common_name === "string" ? common_name : null;
}

async function verified(token: string, env: Env): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keysOf(env.TEAM_DOMAIN), {
      algorithms: ["RS256"],
      issuer: env.TEAM_DOMAIN,
      audience: env.ACCESS_AUDIENCES.split(/[\s,]+/),
      clockTolerance: LEEWAY_S,
      requiredClaims: ["exp", "iat"],
    });
    return payload;
  } catch (error) {
    const text = error instanceof Error ? `${error.name} ${error.message}` : String(error);
    const reason = `access: ${text}`;
    throw BAD_TOKEN.some((kind) => error instanceof kind)
      ? unauthenticated(reason)
      : unavailable(reason);
  }
}
// --8<-- [end:verify]
