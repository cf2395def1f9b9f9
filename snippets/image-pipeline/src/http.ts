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

// --8<-- [start:log]
export type Log = (event: string, fields?: Record<string, unknown>) => void;

/** Every line carries the id of its request; who gets an error gets it too. */
export function logger(id: string): Log {
  return (event, fields) => console.log(JSON.stringify({ event, request: id, ...fields }));
}

/** The rest of an error is a stack, which a log line does not need. */
export const firstLine = (error: unknown) => String(error).split("\n", 1)[0] ?? "";

export function errorResponse(error: unknown, id: string, log: Log): Response {
  const known = error instanceof HttpError;
  if (!known) log("unexpected", { error: firstLine(error) });
  const status = known ? error.status : 500;
  const code = known ? error.code : "internal_error";
  const message = known ? error.message : "Something went wrong here.";
  const headers = { ...(known ? error.headers : {}), "X-Request-Id": id };
  return json({ error: { code, message } }, status, headers);
}
// --8<-- [end:log]
