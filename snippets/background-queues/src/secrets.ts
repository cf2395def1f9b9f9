import { HttpError } from "./http";

const LEAST_CHARACTERS = 32;
// The token goes there: in clear on this machine only.
const SAFE = /^https:\/\/|^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?(\/|$)/;

const isStrong = (key: unknown): key is string =>
  typeof key === "string" && key.length >= LEAST_CHARACTERS;

/** API_KEYS is {"owner": "key", …}. Null where it is not: the parser would quote the keys. */
export function parseKeys(text: string): Record<string, string> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return Object.values(value).every(isStrong) ? (value as Record<string, string>) : null;
  } catch {
    return null;
  }
}

/** Who can guess a secret needs no other way in: until it is replaced, nothing is answered.
 *  The log gets its name, never its value. */
export function requireSecrets(env: Env, id: string): void {
  const strong = {
    API_KEYS: parseKeys(env.API_KEYS) !== null,
    ADMIN_TOKEN: isStrong(env.ADMIN_TOKEN),
    PROVIDER_TOKEN: isStrong(env.PROVIDER_TOKEN),
    PROVIDER_URL: SAFE.test(env.PROVIDER_URL),
  };
  const names = Object.entries(strong).flatMap(([name, is]) => (is ? [] : [name]));
  if (names.length === 0) return;
  console.error({ event: "weak_secrets", request: id, names, least: LEAST_CHARACTERS });
  throw new HttpError(503, "not_configured", "This service is not set up yet.");
}
