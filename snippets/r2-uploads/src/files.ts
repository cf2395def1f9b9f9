// --8<-- [start:row]
export type State = "pending" | "ready" | "refused" | "expired" | "deleted";

export type FileRow = {
  id: string;
  owner: string;
  key: string;
  name: string;
  type: string;
  size: number;
  state: State;
  reason: string | null;
  etag: string | null;
  created_at: number;
  deadline: number;
  url_until: number;
};
// --8<-- [end:row]

const MAX_PENDING = 20;

// --8<-- [start:insert]
/** One statement, so that two requests at the same time cannot both take the last bytes. */
export async function insertPending(
  db: D1Database,
  file: FileRow,
  quotaBytes: number,
): Promise<boolean> {
  const { meta } = await db
    .prepare(
      `INSERT INTO files (id, owner, key, name, type, size, created_at, deadline, url_until,
                          checked_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?7
       WHERE ?10 >= ?6 + (SELECT coalesce(sum(size), 0) FROM files
                          WHERE owner = ?2 AND state IN ('pending', 'ready'))
                       -- What is deleted can be stored again while its URL lives.
                       + (SELECT coalesce(sum(size), 0) FROM files
                          WHERE owner = ?2 AND state IN ('refused', 'deleted')
                            AND url_until > ?7)
         AND ?11 > (SELECT count(*) FROM files WHERE owner = ?2 AND state = 'pending')`,
    )
    .bind(
      file.id,
      file.owner,
      file.key,
      file.name,
      file.type,
      file.size,
      file.created_at,
      file.deadline,
      file.url_until,
      quotaBytes,
      MAX_PENDING,
    )
    .run();
  return meta.changes === 1;
}
// --8<-- [end:insert]

// --8<-- [start:owned]
/** Another user's file and a file that does not exist look the same. */
export function fileOfUser(
  db: D1Database,
  user: string,
  id: string,
): Promise<FileRow | null> {
  return db
    .prepare("SELECT * FROM files WHERE id = ? AND owner = ?")
    .bind(id, user)
    .first<FileRow>();
}
// --8<-- [end:owned]

export async function filesOfUser(db: D1Database, user: string): Promise<FileRow[]> {
  const query = `SELECT * FROM files WHERE owner = ? AND state != 'deleted'
                 ORDER BY created_at DESC LIMIT 50`;
  return (await db.prepare(query).bind(user).all<FileRow>()).results;
}

export function fileOfKey(db: D1Database, key: string): Promise<FileRow | null> {
  return db.prepare("SELECT * FROM files WHERE key = ?").bind(key).first<FileRow>();
}

// --8<-- [start:move]
/** Moves a row only from the states named: of two who try, one does it. */
export async function move(
  db: D1Database,
  file: FileRow,
  from: State[],
  to: State,
  more: { etag?: string; reason?: string } = {},
): Promise<boolean> {
  const { meta } = await db
    .prepare(
      `UPDATE files SET state = ?, etag = coalesce(?, etag), reason = coalesce(?, reason)
       WHERE id = ? AND state IN (SELECT value FROM json_each(?))`,
    )
    .bind(to, more.etag ?? null, more.reason ?? null, file.id, JSON.stringify(from))
    .run();
  return meta.changes === 1;
}
// --8<-- [end:move]
