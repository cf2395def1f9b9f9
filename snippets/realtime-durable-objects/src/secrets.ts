import { HttpError } from "./errors";

const LEAST_CHARACTERS = 32;
const MOST_KEYS = 2;

/** The new key, and the old one while you change it. */
export const keysOf = (secret: string | undefined) =>
  (secret ?? "").split(",").map((key) => key.trim());

/** Who can guess a secret needs no other way in: until it is replaced, nothing is answered.
 *  The log gets its name, never its value. */
export function requireSecrets(env: Env): void {
  const keys = keysOf(env.TOKEN_KEYS);
  const strong = keys.every((key) => key.length >= LEAST_CHARACTERS);
  if (strong && keys.length <= MOST_KEYS) return;
  const detail = `TOKEN_KEYS: one or two keys of ${LEAST_CHARACTERS} characters or more`;
  throw new HttpError(503, "not_configured", "This service is not set up yet.", {}, detail);
}
