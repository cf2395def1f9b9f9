export interface Bindings {
  CLOUDFLARE_API: string;
  CLOUDFLARE_API_TOKEN: string;
  DNS_API: string;
  ACCOUNT_ID: string;
  ZONE_ID: string;
  NAMESPACE: string;
}

/** The API read the request and said no: for an upload, the code is bad. */
export class Rejected extends Error {}

const PATIENCE_MS = 15_000;

// --8<-- [start:call]
/** Call Cloudflare's API once, and return its `result`. */
export async function call<T>(
  env: Bindings,
  method: string,
  path: string,
  body?: string | FormData,
): Promise<T> {
  const headers = new Headers({ Authorization: `Bearer ${env.CLOUDFLARE_API_TOKEN}` });
  if (typeof body === "string") headers.set("Content-Type", "application/json");
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const init = { method, headers, body, signal, redirect: "manual" as const };
  const response = await fetch(env.CLOUDFLARE_API + path, init);
  const answer = await response
    .json<{ success: boolean; result: T; errors?: { code: number; message: string }[] }>()
    .catch(() => null);
  if (response.ok && answer?.success) return answer.result;
  const said = (answer?.errors ?? []).map((e) => `${e.code}: ${e.message}`).join("; ");
  if (response.status === 400) throw new Rejected(said.slice(0, 500));
  throw new Error(`${method} ${path.split("?")[0]}: ${response.status} ${said}`.slice(0, 500));
}
// --8<-- [end:call]
