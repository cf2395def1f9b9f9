import { headersFor } from "./headers";
import type { Origin, Settings } from "./origins";

const REPLAY_LIMIT_BYTES = 65_536;
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
// What a proxy or the edge says when there is no site behind it. The application's own 500 is an answer.
const NO_SITE = new Set([502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 530]);

// --8<-- [start:replay]
/** A body that is kept may be sent again. Any other is passed on while it arrives, once. */
export type Parcel = { body: BodyInit | null; repeatable: boolean };

export async function wrap(request: Request): Promise<Parcel> {
  const idempotent = IDEMPOTENT.has(request.method);
  // Some clients send a body with a GET, and no request can be built with one.
  if (request.body === null || /^(GET|HEAD)$/.test(request.method))
    return { body: null, repeatable: idempotent };
  // Without a length, NaN is not small.
  const small = Number(request.headers.get("Content-Length") ?? NaN) <= REPLAY_LIMIT_BYTES;
  if (!idempotent || !small) return { body: request.body, repeatable: false };
  return { body: await request.arrayBuffer(), repeatable: true };
}
// --8<-- [end:replay]

export type Result = { origin: Origin; response?: Response; late: boolean };

export function answered(result: Result): result is Result & { response: Response } {
  return result.response !== undefined && !NO_SITE.has(result.response.status);
}

// --8<-- [start:send]
/** One try at one site. The time limit ends with the first byte of the answer. */
export async function send(
  request: Request,
  body: BodyInit | null,
  origin: Origin,
  settings: Settings,
  timeoutMs: number,
  lost: AbortSignal,
): Promise<Result> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  try {
    const response = await fetch(addressAt(origin.url, request.url), {
      method: request.method,
      headers: headersFor(request, settings.key),
      body,
      redirect: "manual",
      signal: AbortSignal.any([timeout.signal, lost]),
    });
    return { origin, response, late: false };
  } catch {
    return { origin, late: timeout.signal.aborted };
  } finally {
    clearTimeout(timer);
  }
}

// new URL("//elsewhere/", base) leaves the site, so the parts are set one by one.
function addressAt(site: URL, asked: string): URL {
  const address = new URL(asked);
  address.protocol = site.protocol;
  address.hostname = site.hostname;
  address.port = site.port;
  return address;
}
// --8<-- [end:send]

/** Ask a site whether it is alive; a degraded one is. */
export async function isAlive(origin: Origin, timeoutMs: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(new URL("/healthz", origin.url), {
      redirect: "manual",
      signal,
    });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
