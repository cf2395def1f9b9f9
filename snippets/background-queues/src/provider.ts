import { retryAfterS } from "./backoff";

export type Outcome =
  | { done: true }
  | { done: false; again: boolean; reason: string; wishS: number };

// --8<-- [start:provider]
/** The same key for every try: a provider that saw it does not act a second time. */
export async function post(
  env: Env,
  path: "/v1/messages" | "/v1/accounts",
  key: string,
  body: unknown,
): Promise<Outcome> {
  try {
    const response = await fetch(`${env.PROVIDER_URL}${path}`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${env.PROVIDER_TOKEN}`,
        "Content-Type": "application/json",
        "Idempotency-Key": key,
      },
      body: JSON.stringify(body),
      redirect: "manual",
      signal: AbortSignal.timeout(Number(env.PROVIDER_TIMEOUT_S) * 1000),
    });
    await response.body?.cancel();
    if (response.ok) return { done: true };
    return {
      done: false,
      again: !FINAL.includes(response.status),
      reason: `provider_${response.status}`,
      wishS: retryAfterS(response.headers.get("Retry-After")),
    };
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    const reason = late ? "provider_slow" : "provider_unreachable";
    return { done: false, again: true, reason, wishS: 0 };
  }
}

// These say that this very job is wrong. Anything else may pass: also 401 and 404, which
// are about our token and our address, and must not kill every job of an hour.
const FINAL = [400, 413, 422];
// --8<-- [end:provider]
