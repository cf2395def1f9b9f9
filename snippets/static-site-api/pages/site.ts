import worker from "../src/index";

// --8<-- [start:function]
// Pages has no rate limiting binding: limit /api/contact by a rule of the zone.
const PER_CLIENT: RateLimit = { limit: async () => ({ success: true }) };
type PagesEnv = Omit<Env, "PER_CLIENT">;

export const handle: PagesFunction<PagesEnv> = ({ request, env }) =>
  worker.fetch(request, { ...env, PER_CLIENT });
// --8<-- [end:function]
