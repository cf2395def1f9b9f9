import { HttpError, type Log } from "./http";
import { keysOf } from "./keys";

const LEAST_CHARACTERS = 32;
// People type it, and it opens one sign-up of many: the limits slow guessing down.
const LEAST_OF_AN_INVITATION = 12;

/** Who can guess a secret needs no other way in: until it is replaced, nothing is answered.
 *  The log gets its name, never its value. */
export function requireSecrets(env: Env, log: Log): void {
  const strong = {
    SESSION_KEYS: keysOf(env.SESSION_KEYS).every((key) => key.length >= LEAST_CHARACTERS),
    PASSWORD_KEY: env.PASSWORD_KEY?.length >= LEAST_CHARACTERS,
    INVITE_CODE: env.INVITE_CODE?.length >= LEAST_OF_AN_INVITATION,
  };
  const names = Object.entries(strong).flatMap(([name, is]) => (is ? [] : [name]));
  if (names.length === 0) return;
  log("weak_secrets", { names });
  throw new HttpError(503, "not_configured", "This service is not set up yet.");
}
