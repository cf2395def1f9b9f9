// --8<-- [start:headers]
// `_headers` covers what the file server answers; an answer made here has none.
const SECURITY_HEADERS: Record<string, string> = {
  "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  "Strict-Transport-Security": "max-age=31536000",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "strict-origin-when-cross-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** The last step of every answer. A page made from a file keeps its headers. */
export function finished(answer: Response, requestId: string): Response {
  const response = new Response(answer.body, answer);
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  response.headers.set("X-Request-Id", requestId);
  return response;
}
// --8<-- [end:headers]

/** An answer that is no success. It is thrown anywhere and becomes an answer in one place. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }

  toResponse(): Response {
    const error = { code: this.code, message: this.message };
    return json({ error }, this.status, this.headers);
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

/** Browsers ask for HTML when they open a page or send a form; scripts do not. */
export function wantsPage(request: Request): boolean {
  return /\btext\/html\b/i.test(request.headers.get("Accept") ?? "");
}

export type Log = (event: string, details?: Record<string, unknown>) => void;

export function logger(requestId: string): Log {
  return (event, details) => console.log(JSON.stringify({ event, requestId, ...details }));
}

/** What is no refusal of ours is a fault: all of it goes into the log, nothing to the caller. */
export function refusalOf(error: unknown, log: Log): HttpError {
  if (error instanceof HttpError) return error;
  log("failed", { error: String(error) });
  return new HttpError(500, "internal_error", "Something went wrong here.");
}
