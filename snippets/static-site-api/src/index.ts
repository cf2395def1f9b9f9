import { showForm, submit } from "./contact";
import { finished, HttpError, logger, type Log, refusalOf, wantsPage } from "./http";
import { plainPage } from "./pages";
import { requireSecrets } from "./secrets";

// --8<-- [start:handler]
export default {
  async fetch(request, env) {
    const requestId = request.headers.get("CF-Ray") ?? crypto.randomUUID();
    const log = logger(requestId);
    const answer = await route(request, env, log).catch((error: unknown) =>
      refused(request, env, refusalOf(error, log)),
    );
    return finished(answer, requestId);
  },
} satisfies ExportedHandler<Env>;

async function route(request: Request, env: Env, log: Log): Promise<Response> {
  requireSecrets(env, log);
  const { pathname } = new URL(request.url);
  if (pathname === "/contact") {
    allow(request, "GET", "HEAD");
    return showForm(request, env);
  }
  if (pathname === "/api/contact") {
    allow(request, "POST");
    return submit(request, env, log);
  }
  throw new HttpError(404, "not_found", "There is nothing at this address.");
}

async function refused(request: Request, env: Env, refusal: HttpError): Promise<Response> {
  // A page only for people: programs, scripts and all of the API get JSON.
  const isApi = /^\/api(\/|$)/.test(new URL(request.url).pathname);
  if (isApi || !wantsPage(request)) return refusal.toResponse();
  return plainPage(request, env, refusal).catch(() => refusal.toResponse());
}
// --8<-- [end:handler]

function allow(request: Request, ...methods: string[]): void {
  if (methods.includes(request.method)) return;
  const list = methods.join(", ");
  throw new HttpError(405, "method_not_allowed", `This address takes ${list}.`, {
    Allow: list,
  });
}
