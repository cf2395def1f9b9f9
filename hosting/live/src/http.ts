/** A refusal of the live layer. It is thrown anywhere and becomes an answer in one place. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

// Nothing that an example answers is a header, a cookie or a page of this site: it stands inside of JSON.
const HEADERS = {
  "Content-Type": "application/json",
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
};

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(`${JSON.stringify(value)}\n`, { status, headers: { ...HEADERS, ...headers } });
}

export function errorResponse(error: unknown, requestId: string): Response {
  const known = error instanceof HttpError;
  if (!known) console.error({ event: "failed", requestId, error: String(error) });
  const { status, code, message, headers } = known
    ? error
    : new HttpError(500, "internal_error", "Something went wrong here.");
  return json({ error: { code, message } }, status, headers);
}

export function tooMany(message: string, retryAfterS: number): HttpError {
  return new HttpError(429, "too_many_calls", message, { "Retry-After": `${retryAfterS}` });
}
