import { HttpError, type Log } from "./http";
import type { Message } from "./message";

type Row = Message & { receivedAt: string };

// --8<-- [start:store]
const INSERT = `INSERT INTO messages (id, received_at, name, email, message)
  VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING`;
const SELECT = `SELECT received_at AS receivedAt, name, email, message
  FROM messages WHERE id = ?1`;

/** Write once: the same form with the same text again is the same success. */
export async function store(
  db: D1Database,
  id: string,
  { name, email, message }: Message,
  log: Log,
): Promise<{ receivedAt: string; repeated: boolean }> {
  const receivedAt = new Date().toISOString();
  const insert = db.prepare(INSERT).bind(id, receivedAt, name, email, message);
  const written = await guarded(insert.run(), log);
  if (written.meta.changes > 0) return { receivedAt, repeated: false };
  const kept = await guarded(db.prepare(SELECT).bind(id).first<Row>(), log);
  if (kept?.name === name && kept.email === email && kept.message === message) {
    return { receivedAt: kept.receivedAt, repeated: true };
  }
  const reason = "This form was sent before with another text. Send it again.";
  throw new HttpError(409, "already_sent", reason);
}

async function guarded<T>(query: Promise<T>, log: Log): Promise<T> {
  try {
    return await query;
  } catch (error) {
    log("d1_failed", { error: String(error) });
    const message = "The message could not be stored. Please send it again.";
    const headers = { "Retry-After": "10" };
    throw new HttpError(503, "storage_unavailable", message, headers);
  }
}
// --8<-- [end:store]
