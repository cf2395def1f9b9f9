import { login, logout, showSession, signup } from "./accounts";
import { bookmarked } from "./bookmark";
import { parseId } from "./fields";
import { refuseOtherSites } from "./guard";
import { finished, HttpError, type Log, logger } from "./http";
import { requireSecrets } from "./secrets";
import { requireCsrf, requireUser, type User } from "./sessions";
import { addTasks, changeTask, deleteTask, listTasks } from "./tasks";

// --8<-- [start:handler]
export default {
  async fetch(request, env) {
    const requestId = request.headers.get("CF-Ray") ?? crypto.randomUUID();
    const log = logger(requestId);
    const answer = await route(request, env, log).catch((error: unknown) =>
      refusalOf(error, log).toResponse(),
    );
    return finished(answer, requestId);
  },
} satisfies ExportedHandler<Env>;

async function route(request: Request, env: Env, log: Log): Promise<Response> {
  requireSecrets(env, log);
  const { pathname } = new URL(request.url);
  const [, taskId] = /^\/api\/tasks\/([^/]+)$/.exec(pathname) ?? [];
  const path = taskId === undefined ? pathname : "/api/tasks/:id";
  allow(request.method, path);
  const writes = request.method !== "GET";
  if (writes) refuseOtherSites(request);
  if (path === "/api/login") return login(request, env, log);
  if (path === "/api/signup") return signup(request, env, log);

  const user = await requireUser(request, env);
  if (writes) await requireCsrf(request, user, env.SESSION_KEYS);
  if (path === "/api/logout") return logout(env, user, log);
  const answer =
    path === "/api/session"
      ? await showSession(env, user)
      : await tasks(request, env, user, taskId);
  if (user.cookie) answer.headers.append("Set-Cookie", user.cookie);
  return answer;
}

function tasks(request: Request, env: Env, user: User, taskId?: string) {
  return bookmarked(request, env.DB, (db) => {
    if (taskId === undefined) {
      const cursor = new URL(request.url).searchParams.get("cursor");
      if (request.method === "GET") return listTasks(db, user.id, cursor);
      return addTasks(db, user.id, request);
    }
    const id = parseId(taskId);
    if (request.method === "DELETE") return deleteTask(db, user.id, id, request);
    return changeTask(db, user.id, id, request);
  });
}
// --8<-- [end:handler]

const METHODS: Record<string, string[]> = {
  "/api/login": ["POST"],
  "/api/signup": ["POST"],
  "/api/logout": ["POST"],
  "/api/session": ["GET"],
  "/api/tasks": ["GET", "POST"],
  "/api/tasks/:id": ["PATCH", "DELETE"],
};

function allow(method: string, path: string): void {
  const methods = METHODS[path];
  if (!methods) {
    throw new HttpError(404, "not_found", "There is nothing at this address.");
  }
  if (methods.includes(method)) return;
  const list = methods.join(", ");
  throw new HttpError(405, "method_not_allowed", `This address takes ${list}.`, {
    Allow: list,
  });
}

function refusalOf(error: unknown, log: Log): HttpError {
  if (error instanceof HttpError) {
    log("refused", { status: error.status, code: error.code });
    return error;
  }
  if (String(error).includes("D1_")) {
    log("d1_failed", { error: String(error) });
    const message = "The database does not answer. Please try again.";
    return new HttpError(503, "storage_unavailable", message, { "Retry-After": "5" });
  }
  log("failed", { error: String(error) });
  return new HttpError(500, "internal_error", "Something went wrong here.");
}
