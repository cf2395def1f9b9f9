import { HttpError, type Log } from "./http";

const LEAST_CHARACTERS = 32;

/** Who can guess a secret needs no other way in: until it is replaced, nothing is answered.
 *  The log gets its name, never its value. */
export function requireSecrets(env: Env, log: Log): void {
  if (env.FORM_KEY?.length >= LEAST_CHARACTERS) return;
  log("weak_secrets", { names: ["FORM_KEY"], least: LEAST_CHARACTERS });
  throw new HttpError(503, "not_configured", "This service is not set up yet.");
}
