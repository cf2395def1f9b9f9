import { ask } from "./ask";
import { documents } from "./documents";
import { errorResponse, HttpError, requestId } from "./http";
import { consume } from "./queue";
import { requireSecrets } from "./secrets";
import { requireAdmin } from "./session";
import { activate, build, state } from "./switch";

// --8<-- [start:handler]
export default {
  async fetch(request, env, ctx) {
    const id = requestId(request);
    try {
      const response = await route(request, env, ctx, id);
      response.headers.set("X-Request-Id", id);
      const { method } = request;
      const { pathname } = new URL(request.url);
      const { status } = response;
      console.log({ event: "request", request: id, method, pathname, status });
      return response;
    } catch (error) {
      return errorResponse(error, id);
    }
  },
  async queue(batch, env) {
    await consume(batch, env);
  },
} satisfies ExportedHandler<Env>;
// --8<-- [end:handler]

async function route(request: Request, env: Env, ctx: ExecutionContext, id: string) {
  requireSecrets(env, id);
  const { pathname } = new URL(request.url);
  const { method } = request;
  if (pathname === "/v1/ask") {
    if (method !== "POST") throw notAllowed("POST");
    return ask(request, env, ctx, id);
  }
  const [, what, rest] = /^\/v1\/(documents|embeddings)(?:\/(.+))?$/.exec(pathname) ?? [];
  if (!what) throw new HttpError(404, "not_found", "There is nothing here.");
  await requireAdmin(request, env.ADMIN_TOKEN);
  if (what === "documents" && rest) {
    if (!/^(GET|PUT|POST|DELETE)$/.test(method)) throw notAllowed("GET, PUT, POST, DELETE");
    return documents(request, env, rest);
  }
  if (what === "embeddings" && !rest && method === "GET") return state(env);
  const [, name, action] = /^(\w+)\/(build|activate)$/.exec(rest ?? "") ?? [];
  if (what !== "embeddings" || !name)
    throw new HttpError(404, "not_found", "There is nothing here.");
  if (method !== "POST") throw notAllowed("POST");
  return action === "build" ? build(env, name) : activate(env, name);
}

const notAllowed = (methods: string) =>
  new HttpError(405, "method_not_allowed", `Use ${methods}.`, { Allow: methods });
