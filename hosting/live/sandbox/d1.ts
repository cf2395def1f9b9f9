import { write } from "./storage";

export type Query = { text: string; values: SqlStorageValue[] };
export type Result = {
  success: true;
  results: Record<string, SqlStorageValue>[];
  meta: { changes: number; last_row_id: number; rows_read: number; rows_written: number; duration: number };
};
/** Runs queries in one transaction, as D1's `batch()` does. */
export type Execute = (queries: Query[]) => Promise<Result[]>;

/** D1 is SQLite, and so is the storage of a Durable Object: the example's statements run as they stand. */
export function executeIn(storage: DurableObjectStorage, mostBytes: number): Execute {
  return async (queries) => {
    try {
      return write(storage, mostBytes, () => queries.map((query) => run(storage.sql, query)));
    } catch (error) {
      throw new Error(`D1_ERROR: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}

function run(sql: SqlStorage, { text, values }: Query): Result {
  const cursor = sql.exec(text, ...values);
  const results = cursor.toArray();
  const last = sql
    .exec<{ changes: number; id: number }>("SELECT changes() AS changes, last_insert_rowid() AS id")
    .one();
  const [rows_read, rows_written] = [cursor.rowsRead, cursor.rowsWritten];
  const meta = {
    changes: rows_written > 0 ? last.changes : 0,
    last_row_id: last.id,
    rows_read,
    rows_written,
    duration: 0,
  };
  return { success: true, results, meta };
}

class Statement {
  constructor(
    private readonly execute: Execute,
    readonly query: Query,
  ) {}

  bind(...values: SqlStorageValue[]): Statement {
    return new Statement(this.execute, { ...this.query, values });
  }

  async all(): Promise<Result> {
    const [result] = await this.execute([this.query]);
    if (result === undefined) throw new Error("D1_ERROR: a statement has no result");
    return result;
  }

  run(): Promise<Result> {
    return this.all();
  }

  async first(column?: string): Promise<SqlStorageValue | Result["results"][number]> {
    const [row] = (await this.all()).results;
    return row === undefined ? null : column === undefined ? row : (row[column] ?? null);
  }
}

/** What the hosted examples use of D1. There is no replica, so a session is the database itself. */
export function d1(execute: Execute): D1Database {
  const view = {
    prepare: (text: string) => new Statement(execute, { text, values: [] }),
    batch: (statements: Statement[]) => execute(statements.map(({ query }) => query)),
    withSession: () => ({ ...view, getBookmark: () => "00000000-00000000-00000000-00000000000000000000000000000000" }),
  };
  return view as unknown as D1Database;
}
