/** An answer that is no success. It is thrown anywhere and becomes JSON in one place. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfterS?: number,
  ) {
    super(message);
  }
}

export function errorResponse(error: unknown, requestId: string): Response {
  const known =
    error instanceof HttpError
      ? error
      : new HttpError(500, "internal_error", "Something went wrong here.");
  const { status, code, message, retryAfterS } = known;
  console.error({ event: "request_failed", requestId, code, error: String(error) });
  const headers = new Headers({
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Request-Id": requestId,
  });
  if (retryAfterS !== undefined) headers.set("Retry-After", String(retryAfterS));
  return new Response(`${JSON.stringify({ error: { code, message } })}\n`, {
    status,
    headers,
  });
}
