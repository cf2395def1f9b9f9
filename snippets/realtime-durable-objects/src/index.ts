import { idIn, tokenOfRead, tokenOfUpgrade } from "./door";
import { errorResponse, HttpError, json } from "./errors";
import { requireSecrets } from "./secrets";
import { verify } from "./token";

export { Room } from "./room";

const ADDRESS = /^\/v1\/rooms\/([\w-]{1,64})\/(socket|messages)$/;

// --8<-- [start:handler]
export default {
  async fetch(request, env, ctx) {
    const requestId = request.headers.get("CF-Ray") ?? crypto.randomUUID();
    const response = await route(request, env, ctx, requestId).catch((error: unknown) =>
      errorResponse(error, requestId),
    );
    const answer = new Response(response.body, response);
    answer.headers.set("X-Request-Id", requestId);
    return answer;
  },
} satisfies ExportedHandler<Env>;
// --8<-- [end:handler]

// --8<-- [start:route]
async function route(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  requestId: string,
): Promise<Response> {
  requireSecrets(env);
  const { pathname, searchParams } = new URL(request.url);
  const [, name, what] = ADDRESS.exec(pathname) ?? [];
  if (name === undefined)
    throw new HttpError(404, "not_found", "There is nothing at this address.");
  if (request.method !== "GET")
    throw new HttpError(405, "method_not_allowed", "This address takes GET.", {
      Allow: "GET",
    });

  const upgrade = what === "socket";
  const token = upgrade ? tokenOfUpgrade(request, env.ALLOWED_ORIGINS) : tokenOfRead(request);
  const { user, expiresMs } = await verify(token, name, env.TOKEN_KEYS);
  const since = idIn(searchParams, "since");
  const { success } = await env.CALLS.limit({ key: `${name}:${user}` });
  if (!success)
    throw new HttpError(429, "too_many_calls", "Slow down.", { "Retry-After": "60" }, user);

  // Only from here on does the object exist: a stranger creates none.
  const room = ctx.exports.Room.getByName(name);
  try {
    if (!upgrade) return json(await room.read(since));
    // A new request: nothing that the client wrote reaches the object unseen.
    const query = new URLSearchParams({ user, requestId, expiresMs: String(expiresMs) });
    if (since !== null) query.set("since", String(since));
    const headers = { Upgrade: "websocket" };
    return await room.fetch(`https://room/?${query}`, { headers });
  } catch (error) {
    const message = "The room does not answer. Try again.";
    const headers = { "Retry-After": "5" };
    throw new HttpError(503, "room_unavailable", message, headers, String(error));
  }
}
// --8<-- [end:route]
