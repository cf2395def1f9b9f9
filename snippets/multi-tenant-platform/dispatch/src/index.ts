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

  const { method } = request;
  // Some clients send a body with a GET, and no request can be built with one.
  const body = method === "GET" || method === "HEAD" ? null : request.body;
  const headers = forTenant(request.headers);
  headers.set("X-Request-Id", requestId);
  const init = { method, headers, body, redirect: "manual" } as const;
  const visit = new Request(request.url, init);
  return withoutSharedCookies(await run(site, visit, env, requestId), request, env);
}

// What browsers and programs say about themselves and their request, and the address that
// the edge writes. Frameworks believe more headers than a list of what stays out could name.
const PASSED = new Set(
  `accept accept-encoding accept-language access-control-request-headers
   access-control-request-method authorization cache-control cf-connecting-ip
   content-encoding content-language content-length content-type cookie idempotency-key
   if-match if-modified-since if-none-match if-range if-unmodified-since last-event-id origin
   range referer upgrade user-agent x-api-key x-csrf-token x-requested-with`.split(/\s+/),
);
const NAMED = /^(sec-(ch|fetch|websocket)|webhook|x-app)-/;

function forTenant(given: Headers): Headers {
  return new Headers([...given].filter(([name]) => PASSED.has(name) || NAMED.test(name)));
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
  if (!shared) return response;
  const copy = new Response(response.body, response);
  // It would end the visitor's sessions at every other tenant.
  copy.headers.delete("Clear-Site-Data");
  copy.headers.delete("Set-Cookie");
  for (const cookie of cookies)
    if (!/;\s*domain\s*=/i.test(cookie)) copy.headers.append("Set-Cookie", cookie);
  return copy;
}
// --8<-- [end:cookies]

export default {
  fetch: (request, env) => answered(request, (id) => dispatch(request, env, id)),
} satisfies ExportedHandler<Env>;
