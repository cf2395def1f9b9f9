import { HttpError, type Log } from "./http";

const LEAST_CHARACTERS = 32;

/** "new,old": while one key replaces another, both are valid. */
export const keysOf = (secret: string) => (secret ?? "").split(",").map((key) => key.trim());

/** Who can guess a secret needs no other way in: until it is replaced, nothing is answered.
 *  The log gets its name, never its value. */
export function requireSecrets(env: Env, log: Log): void {
  const secrets = {
    UPLOAD_TOKEN: [env.UPLOAD_TOKEN ?? ""],
    SIGNING_KEYS: keysOf(env.SIGNING_KEYS),
  };
  const names = Object.entries(secrets)
    .filter(([, keys]) => keys.some((key) => key.length < LEAST_CHARACTERS))
    .map(([name]) => name);
  if (names.length === 0) return;
  log("weak_secrets", { names, least: LEAST_CHARACTERS });
  throw new HttpError(503, "not_configured", "This service is not set up yet.");
}
