import { Refusal } from "../../shared/errors";
import type { Policy } from "../../shared/plans";

// --8<-- [start:egress]
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
  // Manual: the tenant's fetch follows a redirect itself, and comes through here again.
  const call = new Request(request, { redirect: "manual" });
  call.headers.set("X-Platform-Tenant", tenant);
  return send(call);
}

// The dispatch Worker's parameter arrives in env.
export default {
  fetch: (request, env) => egress(request, env.policy, (call) => fetch(call)),
} satisfies ExportedHandler<Env & { policy: Policy }>;
// --8<-- [end:egress]
