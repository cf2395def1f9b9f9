import { HttpError } from "./http";

const LEAST_CHARACTERS = 32;

// --8<-- [start:secrets]
/** Who can guess a secret needs no other way in: until it is replaced, nothing is answered.
 *  The log gets its name, never its value. */
export function requireSecrets(env: Env): void {
  if (env.ADMIN_TOKEN?.length >= LEAST_CHARACTERS) return;
  console.error({ event: "weak_secrets", names: ["ADMIN_TOKEN"], least: LEAST_CHARACTERS });
  throw new HttpError(503, "not_configured", "This service is not set up yet.");
}
// --8<-- [end:secrets]
