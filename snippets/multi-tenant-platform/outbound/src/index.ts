import { Refusal } from "../../shared/errors";
import type { Policy } from "../../shared/plans";

// --8<-- [start:egress]
// Of a tenant's headers only these leave: it chooses no host, no cache and no way there.
const PASSED = `
  Accept Accept-Language Authorization Idempotency-Key User-Agent X-API-Key
  Content-Encoding Content-Language Content-Type Range If-Range
  If-Match If-None-Match If-Modified-Since If-Unmodified-Since
`;

/** Let a call of a tenant's code out when its host is on the tenant's list, else refuse. */
export async function egress(
  request: Request,
  { tenant, allow, requestId }: Policy,
  send: (request: Request) => Promise<Response>,
): Promise<Response> {
  const { protocol, hostname, port } = new URL(request.url);
  const allowed = protocol === "https:" && port === "" && allow.includes(hostname);
  const event = allowed ? "egress" : "egress_refused";
  const { method } = request;
  console.log(JSON.stringify({ event, requestId, tenant, method, hostname }));
  const refusal = new Refusal(403, "egress_refused", "This host is not on your list.");
  if (!allowed) return refusal.toResponse();
  const headers = new Headers({ "X-Platform-Tenant": tenant });
  for (const name of PASSED.trim().split(/\s+/)) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  // Built anew, so that the tenant's `cf` stays behind. Manual: the tenant's fetch follows a
  // redirect itself, and comes through here again. No store: all tenants would share it.
  const init = { method, headers, body: request.body } as const;
  return send(new Request(request.url, { ...init, redirect: "manual", cache: "no-store" }));
}

// The dispatch Worker's parameter arrives in env.
export default {
  fetch: (request, env) => egress(request, env.policy, (call) => fetch(call)),
} satisfies ExportedHandler<Env & { policy: Policy }>;
// --8<-- [end:egress]
