import { HttpError } from "./http";

const SECRETS = ["SESSION_KEY", "ADMIN_TOKEN"] as const;
const LEAST_CHARACTERS = 32;

/** Who can guess a secret needs no other way in: until it is replaced, nothing is answered.
 *  The log gets its name, never its value. */
export function requireSecrets(env: Env, id: string): void {
  const names = SECRETS.filter((name) => !(env[name]?.length >= LEAST_CHARACTERS));
  if (names.length === 0) return;
  console.error({ event: "weak_secrets", request: id, names, least: LEAST_CHARACTERS });
  throw new HttpError(503, "not_configured", "This service is not set up yet.");
}
