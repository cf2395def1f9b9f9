const GREETING = /^\/v1\/greetings\/([a-z]{1,40})$/;

// --8<-- [start:handler]
export default {
  fetch(request, env) {
    const name = GREETING.exec(new URL(request.url).pathname)?.[1];
    if (name === undefined)
      return refusal(404, "not_found", "There is nothing at this address.");
    if (request.method !== "GET" && request.method !== "HEAD")
      return refusal(405, "method_not_allowed", "This address takes GET, HEAD.", {
        Allow: "GET, HEAD",
      });
    return json({ greeting: `${env.GREETING}, ${name}.` });
  },
} satisfies ExportedHandler<Env>;
// --8<-- [end:handler]

// --8<-- [start:answers]
function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(value, {
    status,
    headers: { "Cache-Control": "no-store", ...headers },
  });
}

function refusal(
  status: number,
  code: string,
  message: string,
  headers?: Record<string, string>,
): Response {
  return json({ error: { code, message } }, status, headers);
}
// --8<-- [end:answers]
