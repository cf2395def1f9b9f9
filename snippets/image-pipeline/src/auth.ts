import { HttpError, type Log } from "./http";

export async function requireToken(
  request: Request,
  secret: string,
  log: Log,
): Promise<void> {
  const given = /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (given !== undefined && (await same(given, secret))) return;
  log("write_refused", { proof: given === undefined ? "none" : "wrong" });
  throw new HttpError(401, "unauthorized", "Writing takes the upload token.", {
    "WWW-Authenticate": 'Bearer realm="photos"',
  });
}

// timingSafeEqual throws on unequal lengths, and a length is a hint: digests always have
// the same one.
async function same(given: string, secret: string): Promise<boolean> {
  return crypto.subtle.timingSafeEqual(await digest(given), await digest(secret));
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
