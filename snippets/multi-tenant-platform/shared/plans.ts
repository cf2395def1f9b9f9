// --8<-- [start:plans]
/** What one call of a tenant's code may use: CPU time, subrequests, and waiting. */
export const PLANS = {
  free: { cpuMs: 10, subRequests: 5, waitMs: 2_000 },
  pro: { cpuMs: 50, subRequests: 50, waitMs: 10_000 },
};

export type Plan = keyof typeof PLANS;
export const isPlan = (value: unknown): value is Plan =>
  typeof value === "string" && Object.hasOwn(PLANS, value);

/** What the map holds for a hostname: all that the dispatch Worker needs, in one read. */
export interface Site {
  tenant: string;
  plan: Plan;
  state: "active" | "suspended";
  /** The hosts that the tenant's code may call. */
  allow: string[];
}

/** What the dispatch Worker tells the outbound Worker with each call. */
export interface Policy {
  tenant: string;
  allow: string[];
  requestId: string;
}
// --8<-- [end:plans]
