import { parseAsk } from "./ask";
import { readJson } from "./body";
import { download } from "./download";
import { onEvents } from "./events";
import { type FileRow, fileOfUser, filesOfUser, move } from "./files";
import { errorResponse, HttpError, json, log } from "./http";
import { userOf } from "./session";
import { clear } from "./settle";
import { sweep } from "./sweep";
import { startUpload } from "./upload";

// --8<-- [start:handler]
export default {
  async fetch(request, env) {
    const requestId = request.headers.get("CF-Ray") ?? crypto.randomUUID();
    const response = await route(request, env, requestId).catch((error: unknown) =>
      errorResponse(error, requestId),
    );
    response.headers.set("X-Request-Id", requestId);
    return response;
  },
  async queue(batch, env) {
    await onEvents(batch, env);
  },
  async scheduled(controller, env) {
    await sweep(env, controller.scheduledTime);
  },
} satisfies ExportedHandler<Env>;
// --8<-- [end:handler]

// --8<-- [start:routes]
async function route(request: Request, env: Env, requestId: string): Promise<Response> {
  const { pathname } = new URL(request.url);
  const path = /^\/v1\/files(?:\/([0-9a-f-]{36})(\/content)?)?$/.exec(pathname);
  if (path === null)
    throw new HttpError(404, "not_found", "There is nothing at this address.");
  const [, id, content] = path;
  const user = await userOf(request, env.SESSION_KEY);
  const what = `${request.method} ${id ? (content ? "content" : "file") : "files"}`;
  if (what === "POST files") {
    const { success } = await env.ASKS.limit({ key: user });
    if (!success)
      throw new HttpError(429, "too_many_uploads", "Ask again in a minute.", {
        "Retry-After": "60",
      });
    const started = await startUpload(env, user, parseAsk(await readJson(request)));
    log("log", "upload_asked", { requestId, user, file: started.id });
    return json(started, 201);
  }
  if (what === "GET files")
    return json({ files: (await filesOfUser(env.DB, user)).map(shown) });
  if (id === undefined) throw notAllowed("GET, POST");
  const file = await fileOfUser(env.DB, user, id);
  if (file === null) throw new HttpError(404, "file_not_found", "You have no such file.");
  if (what === "GET content" || what === "HEAD content")
    return download(request, env, file, requestId);
  if (content) throw notAllowed("GET, HEAD");
  if (what === "GET file") return json(shown(file));
  if (what !== "DELETE file") throw notAllowed("GET, DELETE");
  await move(env.DB, file, ["pending", "ready"], "deleted");
  await clear(env, file);
  log("log", "file_deleted", { requestId, user, file: id });
  return new Response(null, {
    status: 204,
    headers: { "Cache-Control": "no-store" },
  });
}
// --8<-- [end:routes]

const shown = ({ id, name, type, size, state, reason }: FileRow) => ({
  id,
  name,
  type,
  size,
  state,
  ...(reason && { reason }),
});

function notAllowed(methods: string): HttpError {
  return new HttpError(405, "method_not_allowed", `This address takes ${methods}.`, {
    Allow: methods,
  });
}
