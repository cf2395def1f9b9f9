import { requireToken } from "./auth";
import { errorResponse, HttpError, type Log, logger } from "./http";
import { parseHash, parseName } from "./keys";
import { removeOriginal, removePhoto, sendToVariant } from "./photos";
import { requireSecrets } from "./secrets";
import { serveVariant } from "./serve";
import { receivePhoto } from "./upload";
import { parseVariant } from "./variants";

// --8<-- [start:handler]
export default {
  async fetch(request, env, ctx) {
    const id = request.headers.get("CF-Ray") ?? crypto.randomUUID();
    const log = logger(id);
    return route(request, env, ctx, log).catch((error: unknown) =>
      errorResponse(error, id, log),
    );
  },
} satisfies ExportedHandler<Env>;
// --8<-- [end:handler]

// --8<-- [start:routes]
async function route(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  log: Log,
): Promise<Response> {
  requireSecrets(env, log);
  const url = new URL(request.url);
  const [area, first = "", second = "", ...more] = url.pathname.slice(1).split("/");
  switch (more.length ? "" : area === "v1" ? `v1/${first}` : area) {
    case "images": {
      allow(request, "GET", "HEAD");
      const hash = parseHash(first);
      const accept = request.headers.get("Accept") ?? "";
      const variant = await parseVariant(url, second, accept, env.SIGNING_KEYS);
      return serveVariant(request, env, ctx, hash, variant, log);
    }
    case "photos":
      allow(request, "GET", "HEAD");
      return sendToVariant(env.ORIGINALS, parseName(first), second, log);
    case "v1/photos":
      allow(request, "PUT", "DELETE");
      await requireToken(request, env.UPLOAD_TOKEN, log);
      return request.method === "PUT"
        ? receivePhoto(request, env, parseName(second), log)
        : removePhoto(env.ORIGINALS, parseName(second), log);
    case "v1/originals":
      allow(request, "DELETE");
      await requireToken(request, env.UPLOAD_TOKEN, log);
      return removeOriginal(env.ORIGINALS, parseHash(second), env.SITE, log);
    default:
      throw new HttpError(404, "not_found", "There is nothing at this address.");
  }
}
// --8<-- [end:routes]

function allow(request: Request, ...methods: string[]): void {
  if (methods.includes(request.method)) return;
  const list = methods.join(", ");
  throw new HttpError(405, "method_not_allowed", `This address takes ${list}.`, {
    Allow: list,
  });
}
