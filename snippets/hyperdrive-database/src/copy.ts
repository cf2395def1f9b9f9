import type { Log } from "./http";
import type { Page } from "./products";

const KEY = "catalog/first-page";

// --8<-- [start:copy]
/** Hyperdrive's cache forgets after its age; this copy is for the time after that. */
export async function keepCopy(kv: KVNamespace, page: Page): Promise<void> {
  await kv.put(KEY, JSON.stringify({ ...page, asOf: new Date().toISOString() }));
}

export async function readCopy(kv: KVNamespace, log: Log): Promise<unknown> {
  try {
    const copy = await kv.get(KEY, "json");
    log("copy_served", { found: copy !== null });
    return copy;
  } catch (error) {
    log("copy_failed", { error: String(error) });
    return null;
  }
}
// --8<-- [end:copy]
