import { answered, Refusal } from "../../shared/errors";
import { callerOf } from "./auth";
import { bodyOf } from "./body";
import { scriptOf } from "./code";
import { claim, release, verify } from "./hostnames";
import { change, create, renew, show } from "./tenants";
import { activate, addVersion } from "./versions";

type Names = { tenant: string; number: string; host: string };
type Handler = (env: Env, request: Request, names: Names) => Promise<unknown>;

// --8<-- [start:routes]
const STAFF: Record<string, Handler> = {
  "POST /v1/tenants": async (env, request) => create(env, await bodyOf(request)),
  "PATCH /v1/tenants/:tenant": async (env, request, { tenant }) =>
    change(env, tenant, await bodyOf(request)),
  "POST /v1/tenants/:tenant/token": (env, _, { tenant }) => renew(env, tenant),
};

const TENANT: Record<string, Handler> = {
  "GET /v1/tenants/:tenant": (env, _, { tenant }) => show(env, tenant),
  "POST /v1/tenants/:tenant/versions": async (env, request, { tenant }) =>
    addVersion(env, tenant, scriptOf(await bodyOf(request))),
  "POST /v1/tenants/:tenant/versions/:number(\\d{1,9})/activate": (env, _, names) =>
    activate(env, names.tenant, Number(names.number)),
  "POST /v1/tenants/:tenant/hostnames": async (env, request, { tenant }) =>
    claim(env, tenant, await bodyOf(request)),
  "POST /v1/tenants/:tenant/hostnames/:host/verify": (env, _, { tenant, host }) =>
    verify(env, tenant, host),
  "DELETE /v1/tenants/:tenant/hostnames/:host": (env, _, { tenant, host }) =>
    release(env, tenant, host),
};

async function control(request: Request, env: Env, requestId: string): Promise<Response> {
  const caller = await callerOf(request, env);
  if (!caller.staff) await notTooOften(env, caller.tenant);
  const route = routeOf(request);
  const { tenant } = route?.names ?? {};
  // A tenant learns nothing about others, not even which exist.
  const allowed = caller.staff || (route?.forTenant && tenant === caller.tenant);
  if (!allowed) throw new Refusal(403, "forbidden", "You may not do this.", "not its own");
  if (!route) throw new Refusal(404, "not_found", "There is nothing here.");
  if (tenant) await show(env, tenant);

  const result = await route.handler(env, request, route.names);
  const who = caller.staff ? "staff" : caller.tenant;
  console.log(JSON.stringify({ event: "done", requestId, who, route: route.name, tenant }));
  const created = /^POST .*(tenants|versions|hostnames|token)$/.test(route.name);
  const headers = { "Cache-Control": "no-store" };
  return Response.json(result, { status: created ? 201 : 200, headers });
}
// --8<-- [end:routes]

/** All tenants share the API token and its limit; no tenant may use it up alone. */
async function notTooOften(env: Env, tenant: string): Promise<void> {
  const { success } = await env.PER_TENANT.limit({ key: tenant });
  if (success) return;
  throw new Refusal(429, "rate_limited", "Too many calls.", `${tenant}: limit`, {
    "Retry-After": "60",
  });
}

const ROUTES = Object.entries({ ...STAFF, ...TENANT }).map(([name, handler]) => {
  const [method, pathname] = name.split(" ");
  const forTenant = name in TENANT;
  return { name, method, handler, forTenant, pattern: new URLPattern({ pathname }) };
});

function routeOf(request: Request) {
  const { pathname } = new URL(request.url);
  for (const route of ROUTES) {
    const match = route.method === request.method && route.pattern.exec({ pathname });
    if (match) return { ...route, names: match.pathname.groups as Names };
  }
  return null;
}

export default {
  fetch: (request, env) => answered(request, (id) => control(request, env, id)),
} satisfies ExportedHandler<Env>;
