import { readAnswer } from "./answer";

export interface Bindings {
  CLOUDFLARE_API: string;
  CLOUDFLARE_API_TOKEN: string;
  DNS_API: string;
  ACCOUNT_ID: string;
  ZONE_ID: string;
  NAMESPACE: string;
}

/** The API answered and did not do it. `said` is its own text. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly said: string,
    what: string,
  ) {
    super(`${what}: ${status} ${said}`);
  }
}

const PATIENCE_MS = 15_000;
// The token goes there: in clear on this machine only.
const SAFE = /^https:\/\/|^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?(\/|$)/;

// --8<-- [start:call]
/** Call Cloudflare's API once, and return its `result`. */
export async function call<T>(
  env: Bindings,
  method: string,
  path: string,
  body?: string | FormData,
): Promise<T> {
  if (!SAFE.test(env.CLOUDFLARE_API)) throw new Error("CLOUDFLARE_API takes https://");
  const headers = new Headers({ Authorization: `Bearer ${env.CLOUDFLARE_API_TOKEN}` });
  if (typeof body === "string") headers.set("Content-Type", "application/json");
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const init = { method, headers, body, signal, redirect: "manual" as const };
  const response = await fetch(env.CLOUDFLARE_API + path, init);
  type Answer = { success: boolean; result: T; errors?: { code: number; message: string }[] };
  const answer = await readAnswer<Answer>(response).catch(() => null);
  if (response.ok && answer?.success) return answer.result;
  const said = (answer?.errors ?? []).map((e) => `${e.code}: ${e.message}`).join("; ");
  const short = [...said].slice(0, 500).join("");
  throw new ApiError(response.status, short, `${method} ${path.split("?")[0]}`);
}
// --8<-- [end:call]
