/** An answer that is no success. It is thrown anywhere and becomes JSON in one place. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Record<string, string> = {},
    /** For the log only. */
    readonly detail = "",
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
  const known = error instanceof HttpError;
  const { status, code, message, headers, detail } = known
    ? error
    : new HttpError(500, "internal_error", "Something went wrong here.", {}, String(error));
  const line = { event: known ? "refused" : "failed", requestId, status, code, detail };
  if (status >= 500) console.error(JSON.stringify(line));
  else console.warn(JSON.stringify(line));
  return json({ error: { code, message } }, status, headers);
}
