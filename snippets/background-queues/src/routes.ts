import { accept } from "./accept";
import { requireAdmin, requireOwner } from "./auth";
import { readJson } from "./body";
import { HttpError, json } from "./http";
import { parseBulk, parseJob, parseKey } from "./input";
import { dismiss, listDead, redrive } from "./redrive";
import { requireSecrets } from "./secrets";
import { status } from "./status";

type Handler = (request: Request, env: Env, id: string, name: string) => Promise<Response>;

// --8<-- [start:routes]
const ROUTES: [RegExp, Record<string, Handler>][] = [
  [/^\/v1\/jobs$/, { POST: submit }],
  [/^\/v1\/jobs\/bulk$/, { POST: submitBulk }],
  [/^\/v1\/jobs\/([^/]+)$/, { GET: show }],
  [/^\/v1\/dead-letters$/, { GET: admin(list) }],
  [/^\/v1\/dead-letters\/redrive$/, { POST: admin(again) }],
  [/^\/v1\/dead-letters\/([^/]+)$/, { DELETE: admin(drop) }],
];

async function submit(request: Request, env: Env, id: string): Promise<Response> {
  const owner = await requireOwner(request, env.API_KEYS);
  const key = parseKey(request.headers.get("Idempotency-Key"));
  const job = parseJob(await readJson(request));
  const [accepted] = await accept(env, owner, id, [{ key, job }]);
  const headers = { Location: `/v1/jobs/${accepted?.id}`, "Retry-After": "1" };
  return json({ id: accepted?.id, state: accepted?.state }, 202, headers);
}

async function submitBulk(request: Request, env: Env, id: string): Promise<Response> {
  const owner = await requireOwner(request, env.API_KEYS);
  const orders = parseBulk(await readJson(request));
  return json({ jobs: await accept(env, owner, id, orders) }, 202);
}
// --8<-- [end:routes]

async function show(request: Request, env: Env, _: string, job: string): Promise<Response> {
  const row = await status(env, await requireOwner(request, env.API_KEYS), job);
  const open = row.state === "queued" || row.state === "running";
  return json(row, 200, open ? { "Retry-After": "1" } : {});
}

async function list(_: Request, env: Env): Promise<Response> {
  return json({ dead_letters: await listDead(env) });
}

async function again(request: Request, env: Env, id: string): Promise<Response> {
  return json({ redriven: await redrive(env, id, await readJson(request)) });
}

async function drop(_: Request, env: Env, id: string, message: string): Promise<Response> {
  await dismiss(env, id, message);
  return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
}

function admin(handler: Handler): Handler {
  return async (request, env, id, name) => {
    await requireAdmin(request, env.ADMIN_TOKEN);
    return handler(request, env, id, name);
  };
}

export async function route(request: Request, env: Env, id: string): Promise<Response> {
  requireSecrets(env, id);
  const { pathname } = new URL(request.url);
  for (const [path, methods] of ROUTES) {
    const match = path.exec(pathname);
    if (!match) continue;
    const handler = methods[request.method];
    if (handler) return handler(request, env, id, match[1] ?? "");
    const allowed = Object.keys(methods).join(", ");
    throw new HttpError(405, "method_not_allowed", `This address takes ${allowed}.`, {
      Allow: allowed,
    });
  }
  throw new HttpError(404, "not_found", "There is nothing at this address.");
}
