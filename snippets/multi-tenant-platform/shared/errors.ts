// --8<-- [start:errors]
/** A refusal that the caller may see. `reason` goes to the log only. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly reason = code,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }

  toResponse(): Response {
    return Response.json(
      { error: { code: this.code, message: this.message } },
      { status: this.status, headers: { "Cache-Control": "no-store", ...this.headers } },
    );
  }
}

/** Answer a request, name it in log and answer, and let nothing internal out. */
export async function answered(
  request: Request,
  answer: (requestId: string) => Promise<Response>,
): Promise<Response> {
  const requestId = request.headers.get("cf-ray") ?? crypto.randomUUID();
  let response: Response;
  try {
    response = await answer(requestId);
  } catch (error) {
    const known = error instanceof Refusal;
    const refusal = known
      ? error
      : new Refusal(500, "internal", "Something failed on our side.", String(error));
    const { status, code, reason } = refusal;
    const event = known ? "refused" : "failed";
    console.log(JSON.stringify({ event, requestId, status, code, reason }));
    response = refusal.toResponse();
  }
  const copy = new Response(response.body, response);
  copy.headers.set("X-Request-Id", requestId);
  return copy;
}
// --8<-- [end:errors]
