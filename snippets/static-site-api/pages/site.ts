import worker from "../src/index";

// --8<-- [start:function]
// Pages has no rate limiting binding. Put a rate limiting rule of the zone on /api/contact.
const PER_CLIENT: RateLimit = { limit: async () => ({ success: true }) };

export const handle: PagesFunction<Omit<Env, "PER_CLIENT">> = ({ request, env }) =>
  worker.fetch(request, { ...env, PER_CLIENT });
// --8<-- [end:function]
