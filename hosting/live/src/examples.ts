import type { HostedExample } from "../sandbox/protocol";

/** The hosted examples, each behind its service binding. */
export function hostedExamples(env: Env): Record<string, HostedExample> {
  const bound = {
    "global-api-kv": env.GLOBAL_API_KV,
    "static-site-api": env.STATIC_SITE_API,
    "private-machine-api": env.PRIVATE_MACHINE_API,
    "fullstack-d1": env.FULLSTACK_D1,
  };
  // Their types would bring the bindings of all examples into one program.
  return bound as unknown as Record<string, HostedExample>;
}
