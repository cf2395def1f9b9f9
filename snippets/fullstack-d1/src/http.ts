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
  const type = { "Content-Type": "application/json" };
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { ...type, ...headers },
  });
}

const EVERY_ANSWER = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Strict-Transport-Security": "max-age=31536000",
  "X-Content-Type-Options": "nosniff",
};

/** The last step of every answer: `_headers` covers files, this covers the API. */
export function finished(answer: Response, requestId: string): Response {
  const response = new Response(answer.body, answer);
  for (const [name, value] of Object.entries(EVERY_ANSWER)) {
    response.headers.set(name, value);
  }
  response.headers.set("X-Request-Id", requestId);
  return response;
}

export type Log = (event: string, details?: Record<string, unknown>) => void;

export function logger(requestId: string): Log {
  return (event, details) => console.log(JSON.stringify({ event, requestId, ...details }));
}
