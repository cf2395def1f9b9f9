/** Run writes all or none; what would make the sandbox larger than its quota is taken back. */
export function write<T>(storage: DurableObjectStorage, mostBytes: number, work: () => T): T {
  return storage.transactionSync(() => {
    const before = storage.sql.databaseSize;
    const result = work();
    const after = storage.sql.databaseSize;
    if (after > mostBytes && after > before) throw new Error("database or disk is full: SQLITE_FULL");
    return result;
  });
}
