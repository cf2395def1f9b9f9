import { type FileRow, move } from "./files";
import { log } from "./http";
import { clear, settle } from "./settle";

// 39 D1 queries at most, of the 50 that the Free plan gives one invocation.
const ROWS = 12;
const KEEP_MS = 7 * 86_400_000;

// --8<-- [start:sweep]
/** Settles what no event did: files that came or never will, objects to delete. */
export async function sweep(env: Env, now: number): Promise<void> {
  const done: Record<string, number> = {};
  const count = (what: string) => (done[what] = (done[what] ?? 0) + 1);
  for (const file of await take(env.DB, now, "state = 'pending'")) {
    await each(file, async () => {
      let state = await settle(env, file);
      if (state === "pending" && file.deadline < now) {
        await move(env.DB, file, ["pending"], "expired");
        state = "expired";
      }
      count(state);
    });
  }
  const left = "cleared = 0 AND state IN ('refused', 'expired', 'deleted')";
  for (const file of await take(env.DB, now, left)) {
    await each(file, async () => {
      await clear(env, file, now);
      count("cleared");
    });
  }
  await forget(env.DB, now - KEEP_MS);
  log("log", "swept", done);
}

/** Takes the rows that waited longest. Marking them lets the others have their turn. */
async function take(db: D1Database, now: number, which: string): Promise<FileRow[]> {
  const oldest = `SELECT id FROM files WHERE ${which} ORDER BY checked_at LIMIT ${ROWS}`;
  const query = `UPDATE files SET checked_at = ? WHERE id IN (${oldest}) RETURNING *`;
  return (await db.prepare(query).bind(now).all<FileRow>()).results;
}

/** Drops rows that no late event can concern any more; they name files of people. */
async function forget(db: D1Database, before: number): Promise<void> {
  const over = "state IN ('refused', 'expired', 'deleted') AND cleared = 1 AND deadline < ?";
  await db.prepare(`DELETE FROM files WHERE ${over}`).bind(before).run();
}

async function each(file: FileRow, work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) =>
    log("error", "sweep_failed", { file: file.id, error: String(error) }),
  );
}
// --8<-- [end:sweep]
