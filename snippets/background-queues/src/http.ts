/** An answer that is no success. It is thrown anywhere and becomes JSON in one place. */
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

export function json(
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: {
      "Content-Type": "application/json",
      "Cache-Control": "no-store",
      ...headers,
    },
  });
}

export function requestId(request: Request): string {
  return request.headers.get("CF-Ray") ?? crypto.randomUUID();
}

export function errorResponse(thrown: unknown, id: string): Response {
  const known = thrown instanceof HttpError;
  const event = known ? "request_refused" : "request_failed";
  const error = known ? thrown : unexpected(thrown);
  const entry = { event, request: id, code: error.code, error: String(thrown) };
  if (error.status >= 500) console.error(entry);
  else console.warn(entry);
  return json({ error: { code: error.code, message: error.message } }, error.status, {
    "X-Request-Id": id,
    ...error.headers,
  });
}

function unexpected(thrown: unknown): HttpError {
  if (!String(thrown).includes("D1_"))
    return new HttpError(500, "internal_error", "Something went wrong here.");
  const message = "The storage does not answer. Send the same again.";
  return new HttpError(503, "storage_unavailable", message, { "Retry-After": "5" });
}
