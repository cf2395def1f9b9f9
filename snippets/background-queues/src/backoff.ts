/** The longest delay that a queue takes. */
const MOST_DELAY_S = 86_400;

// --8<-- [start:backoff]
/** Doubles with each attempt, up to a cap; half of it is chance, so that jobs that failed
 *  together do not come back together. The provider's own wish is a minimum. */
export function backoffS(env: Env, attempt: number, wishS = 0): number {
  const doubled = Number(env.RETRY_BASE_S) * 2 ** (attempt - 1);
  const own = Math.min(Number(env.RETRY_CAP_S), doubled) * (0.5 + Math.random() / 2);
  const wish = wishS * (1 + Math.random() / 4);
  return Math.min(MOST_DELAY_S, Math.ceil(Math.max(own, wish)));
}

/** Retry-After is a number of seconds or a date; anything else is no wish. */
export function retryAfterS(header: string | null, now = Date.now()): number {
  if (header === null) return 0;
  const number = /^\d+$/.test(header);
  const seconds = number ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isNaN(seconds) ? 0 : Math.max(0, seconds);
}
// --8<-- [end:backoff]
