import { Refusal } from "../../shared/errors";
import { PLANS, type Policy, type Site } from "../../shared/plans";

// --8<-- [start:run]
/** Run a tenant's script with the limits of its plan. Its errors never reach the visitor. */
export async function run(
  site: Site,
  request: Request,
  env: Env,
  requestId: string,
): Promise<Response> {
  const { waitMs, ...limits } = PLANS[site.plan];
  const policy: Policy = { tenant: site.tenant, allow: site.allow, requestId };
  let timer: number | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, waitMs, tooLate(site.tenant));
  });
  try {
    const options = { limits, outbound: { policy } };
    const tenant = env.DISPATCHER.get(site.tenant, {}, options);
    return await Promise.race([tenant.fetch(request), late]);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const reason = `${site.tenant}: ${[...String(error)].slice(0, 300).join("")}`;
    if (error instanceof Error && error.message.startsWith("Worker not found"))
      throw new Refusal(404, "not_deployed", "There is nothing here yet.", reason);
    throw new Refusal(502, "site_failed", "This site has an error.", reason);
  } finally {
    clearTimeout(timer);
  }
}
// --8<-- [end:run]

const tooLate = (tenant: string) =>
  new Refusal(504, "site_slow", "This site is slow.", `${tenant}: no answer in time`);
