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

  toResponse(): Response {
    const error = { code: this.code, message: this.message };
    return json({ error }, this.status, this.headers);
  }
}

/** No HTTP cache keeps an answer, so data gets old in one place only: in Hyperdrive's. */
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

export type Log = (event: string, details?: Record<string, unknown>) => void;

export function logger(requestId: string): Log {
  return (event, details) => console.log(JSON.stringify({ event, requestId, ...details }));
}

/** What is no refusal of ours is a fault: the log gets it, the caller does not. */
export function refusalOf(error: unknown, log: Log): HttpError {
  if (error instanceof HttpError) return error;
  log("failed", { error: String(error) });
  return new HttpError(500, "internal_error", "Something went wrong here.");
}
