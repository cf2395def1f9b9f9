import { answered, Refusal } from "../../shared/errors";
import { hostOf } from "../../shared/host";
import type { Site } from "../../shared/plans";
import { run } from "./run";

// --8<-- [start:dispatch]
async function dispatch(request: Request, env: Env, requestId: string): Promise<Response> {
  const site = await siteOf(request, env);
  const { success } = await env.PER_TENANT.limit({ key: site.tenant });
  if (!success)
    throw new Refusal(429, "rate_limited", "Too many requests.", `${site.tenant}: limit`, {
      "Retry-After": "10",
    });
  if (site.state !== "active")
    throw new Refusal(403, "suspended", "This site is switched off.", site.tenant);

  const { method, body } = request;
  const headers = forTenant(request.headers);
  headers.set("X-Request-Id", requestId);
  const init = { method, headers, body, redirect: "manual" } as const;
  const visit = new Request(request.url, init);
  return withoutSharedCookies(await run(site, visit, env, requestId), request, env);
}

// What only we, or a proxy before us, may say: the host, the visitor's address, the method.
const CLAIM = new RegExp(
  "^(forwarded|true-client-ip|x-(platform-.*|request-id|forwarded.*|real-ip|client-ip|" +
    "host|original-.*|rewrite-url|(http-)?method.*))$",
);

// A list of what stays out, because a site's own pages and programs name what comes in.
function forTenant(given: Headers): Headers {
  return new Headers([...given].filter(([name]) => !CLAIM.test(name)));
}

async function siteOf(request: Request, env: Env): Promise<Site> {
  const host = hostOf(request);
  let site: Site | null;
  try {
    site = host ? await env.SITES.get<Site>(host, { type: "json", cacheTtl: 60 }) : null;
  } catch (error) {
    throw new Refusal(503, "unavailable", "Try again soon.", `map: ${error}`, {
      "Retry-After": "5",
    });
  }
  if (!site) throw new Refusal(404, "no_such_site", "There is no site with this name.");
  return site;
}
// --8<-- [end:dispatch]

// --8<-- [start:cookies]
/**
 * Tenants share the apps domain: a cookie for all of it would reach every other tenant.
 * On a customer's own hostname the attribute is the customer's affair.
 */
function withoutSharedCookies(response: Response, request: Request, env: Env): Response {
  const cookies = response.headers.getSetCookie();
  const shared = hostOf(request)?.endsWith(`.${env.APPS_DOMAIN}`) ?? true;
  if (!shared || !cookies.some((cookie) => /;\s*domain\s*=/i.test(cookie))) return response;
  const copy = new Response(response.body, response);
  copy.headers.delete("Set-Cookie");
  for (const cookie of cookies)
    if (!/;\s*domain\s*=/i.test(cookie)) copy.headers.append("Set-Cookie", cookie);
  return copy;
}
// --8<-- [end:cookies]

export default {
  fetch: (request, env) => answered(request, (id) => dispatch(request, env, id)),
} satisfies ExportedHandler<Env>;
