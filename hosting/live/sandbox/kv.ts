import { write } from "./storage";

export const KV_SCHEMA = "CREATE TABLE live_kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";

type Row = { value: string };

/** What the hosted examples use of KV: texts, read by one or several keys. There is one copy, so a read is never stale. */
export function kv(storage: DurableObjectStorage, mostBytes: number): KVNamespace {
  const { sql } = storage;
  const read = (key: string): string | null => {
    const [row] = sql.exec<Row>("SELECT value FROM live_kv WHERE key = ?", key).toArray();
    return row?.value ?? null;
  };
  const view = {
    get: async (key: string | string[]) =>
      typeof key === "string" ? read(key) : new Map(key.map((one) => [one, read(one)])),
    put: async (key: string, value: string) => {
      write(storage, mostBytes, () => sql.exec("INSERT OR REPLACE INTO live_kv VALUES (?, ?)", key, value));
    },
    delete: async (key: string) => {
      sql.exec("DELETE FROM live_kv WHERE key = ?", key);
    },
  };
  return view as unknown as KVNamespace;
}
