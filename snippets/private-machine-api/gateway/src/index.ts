import { bodyOf } from "./body";
import { permissions } from "./callers";
import { forbidden, Refusal, tooMany, unauthenticated } from "./errors";
import { byAccessToken } from "./proofs/access";
import { byHmac } from "./proofs/hmac";
import { byCertificate } from "./proofs/mtls";
import { routeOf, run } from "./routes";

export { Nonces } from "./nonces";

// --8<-- [start:gateway]
async function answer(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  requestId: string,
): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname === "/healthz" && request.method === "GET")
    return Response.json({ ok: true });

  const body = bodyOf(request);
  const noncesOf = (keyId: string) => ctx.exports.Nonces.getByName(keyId);
  // The first proof that is there decides; a broken one never falls through to the next.
  const id =
    (await byAccessToken(request, env)) ??
    (await byHmac(request, env, body, noncesOf)) ??
    byCertificate(request, env);
  if (id === null) throw unauthenticated("no proof");

  const { success } = await env.PER_CALLER.limit({ key: id });
  if (!success) throw tooMany(`${id}: rate limit`);
  const caller = permissions(id);
  const route = routeOf(request.method, url);
  if (!route || !caller.allow.includes(route.name))
    throw forbidden(`${id}: ${request.method} ${url.pathname}`);
  console.log(JSON.stringify({ event: "allowed", requestId, caller: id, route: route.name }));
  return run(route.name, {
    caller: { id, sees: caller.sees },
    url,
    id: route.id,
    body,
    env,
  });
}
// --8<-- [end:gateway]

export default {
  async fetch(request, env, ctx) {
    const requestId = request.headers.get("cf-ray") ?? crypto.randomUUID();
    try {
      return withId(await answer(request, env, ctx, requestId), requestId);
    } catch (error) {
      if (error instanceof Refusal) {
        console.log(
          JSON.stringify({
            event: "refused",
            requestId,
            status: error.status,
            reason: error.reason,
          }),
        );
        return withId(error.toResponse(), requestId);
      }
      console.error(JSON.stringify({ event: "failed", requestId, error: String(error) }));
      return withId(
        new Refusal(500, "internal", "Something failed on our side.").toResponse(),
        requestId,
      );
    }
  },
} satisfies ExportedHandler<Env>;

function withId(response: Response, requestId: string): Response {
  const copy = new Response(response.body, response);
  copy.headers.set("X-Request-Id", requestId);
  copy.headers.set("Cache-Control", "no-store");
  return copy;
}
