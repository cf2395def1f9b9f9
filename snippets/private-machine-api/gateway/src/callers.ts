import type { Caller } from "../../internal-a/src/index";

interface Entry {
  /** Client ID of its Access service token. */
  accessClientId?: string;
  /**
   * SHA-256 fingerprints of its client certificates, in lower-case hex; two during a
   * renewal.
   */
  certificates?: string[];
  sees: Caller["sees"];
  allow: readonly string[];
}

// --8<-- [start:table]
const CALLERS: Record<string, Entry> = {
  "shop-backend": {
    sees: "own",
    allow: ["GET /v1/orders", "POST /v1/orders", "GET /v1/orders/:id"],
  },
  "billing-job": {
    accessClientId: "11111111111111111111111111111111.access",
    sees: "all",
    allow: ["GET /v1/orders", "GET /v1/orders/:id", "GET /v1/reports/summary"],
  },
  "warehouse-agent": {
    certificates: ["2222222222222222222222222222222222222222222222222222222222222222"],
    sees: "all",
    allow: ["GET /v1/orders/:id"],
  },
};
// --8<-- [end:table]

const byProof = (match: (entry: Entry) => boolean) =>
  Object.entries(CALLERS).find(([, entry]) => match(entry))?.[0] ?? null;

export const callerByAccess = (clientId: string) =>
  byProof((entry) => entry.accessClientId === clientId);
export const callerByCertificate = (sha256: string) =>
  byProof((entry) => entry.certificates?.includes(sha256) ?? false);
export const callerByKey = (keyId: string) => (Object.hasOwn(CALLERS, keyId) ? keyId : null);

/** What a caller may do; an unknown route is simply not in anybody's list. */
export function permissions(id: string): Caller & { allow: readonly string[] } {
  const entry = CALLERS[id];
  if (!entry) throw new Error(`there is no caller ${id}`);
  return { id, sees: entry.sees, allow: entry.allow };
}
