import { type Flag, parseFlag } from "./flags";
import { HttpError } from "./http";

// --8<-- [start:read]
const READ = { type: "text", cacheTtl: 60 } as const; // seconds; KV refuses less than 30

export async function readFlag(kv: KVNamespace, name: string): Promise<Flag | null> {
  return checked(name, await guarded("read", kv.get(name, READ)));
}

export async function readFlags(
  kv: KVNamespace,
  names: string[],
): Promise<Record<string, Flag | null>> {
  const values = await guarded("read", kv.get(names, READ));
  return Object.fromEntries(
    names.map((name) => [name, checked(name, values.get(name) ?? null)]),
  );
}
// --8<-- [end:read]

// --8<-- [start:write]
export async function writeFlag(kv: KVNamespace, name: string, flag: Flag): Promise<void> {
  await guarded("write", kv.put(name, JSON.stringify(flag)));
  console.log({ event: "flag_written", name, flag });
}

export async function deleteFlag(kv: KVNamespace, name: string): Promise<void> {
  await guarded("write", kv.delete(name));
  console.log({ event: "flag_deleted", name });
}

async function guarded<T>(kind: "read" | "write", operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    console.error({ event: "kv_failed", kind, error: String(error) });
    if (kind === "write" && /failed: 429\b/.test(String(error))) {
      const message = "This flag was written less than a second ago. Try again.";
      throw new HttpError(429, "too_many_writes", message, { "Retry-After": "1" });
    }
    throw new HttpError(503, "storage_unavailable", "The flag store does not answer.", {
      "Retry-After": "5",
    });
  }
}
// --8<-- [end:write]

// Whoever writes with Wrangler or the REST API passes our validation by: such a value
// counts as missing.
function checked(name: string, text: string | null): Flag | null {
  if (text === null) return null;
  try {
    return parseFlag(JSON.parse(text));
  } catch (error) {
    console.error({ event: "stored_flag_invalid", name, error: String(error) });
    return null;
  }
}
