import { requireAdmin } from "./admin";
import { readJson } from "./body";
import { parseFlag, parseName, parseNames } from "./flags";
import { errorResponse, HttpError, json, revalidatable } from "./http";
import { askOrigin } from "./origin";
import { requireSecrets } from "./secrets";
import { deleteFlag, readFlag, readFlags, writeFlag } from "./store";

// --8<-- [start:handler]
export default {
  async fetch(request, env) {
    return route(request, env).catch(errorResponse);
  },
} satisfies ExportedHandler<Env>;
// --8<-- [end:handler]

// --8<-- [start:routes]
async function route(request: Request, env: Env): Promise<Response> {
  requireSecrets(env);
  const { pathname, searchParams } = new URL(request.url);
  const read = request.method === "GET" || request.method === "HEAD";
  if (pathname === "/v1/flags") {
    if (!read) throw notAllowed("GET, HEAD");
    return revalidatable(request, {
      flags: await readFlags(env.FLAGS, parseNames(searchParams.get("names"))),
    });
  }
  const name = /^\/v1\/flags\/([^/]+)$/.exec(pathname)?.[1];
  if (name === undefined)
    throw new HttpError(404, "not_found", "There is nothing at this address.");
  if (read) return getFlag(request, env, parseName(name));
  if (request.method !== "PUT" && request.method !== "DELETE")
    throw notAllowed("GET, HEAD, PUT, DELETE");
  await requireAdmin(request, env.ADMIN_TOKEN);
  return changeFlag(request, env, parseName(name));
}

async function getFlag(request: Request, env: Env, name: string): Promise<Response> {
  const flag = (await readFlag(env.FLAGS, name)) ?? (await askOrigin(env.ORIGIN_URL, name));
  if (flag === null)
    throw new HttpError(404, "flag_not_found", `There is no flag "${name}".`);
  return revalidatable(request, flag);
}

async function changeFlag(request: Request, env: Env, name: string): Promise<Response> {
  // Taking a condition and not keeping it would lose updates behind the caller's back.
  if (request.headers.has("If-Match") || request.headers.has("If-None-Match")) {
    throw new HttpError(
      501,
      "no_conditional_writes",
      "KV cannot compare and set: write without a condition.",
    );
  }
  if (request.method === "DELETE") {
    await deleteFlag(env.FLAGS, name);
    return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
  }
  const flag = parseFlag(await readJson(request));
  await writeFlag(env.FLAGS, name, flag);
  return json(flag);
}
// --8<-- [end:routes]

function notAllowed(methods: string): HttpError {
  return new HttpError(405, "method_not_allowed", `This address takes ${methods}.`, {
    Allow: methods,
  });
}
