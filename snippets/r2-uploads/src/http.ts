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

export function errorResponse(error: unknown, requestId: string): Response {
  const known = error instanceof HttpError ? error : unexpected(error);
  const { status, code, message, headers } = known;
  if (error instanceof HttpError) log("warn", "request_refused", { requestId, status, code });
  else log("error", "request_failed", { requestId, error: String(error) });
  return json({ error: { code, message } }, status, headers);
}

function unexpected(error: unknown): HttpError {
  if (!String(error).includes("D1_"))
    return new HttpError(500, "internal_error", "Something failed on our side.");
  const message = "The storage does not answer. Try again.";
  return new HttpError(503, "storage_unavailable", message, { "Retry-After": "5" });
}

export function log(
  level: "log" | "warn" | "error",
  event: string,
  fields: Record<string, unknown>,
): void {
  console[level](JSON.stringify({ event, ...fields }));
}
