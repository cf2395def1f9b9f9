import { HttpError, type Log } from "./http";
import type { Message } from "./message";

type Row = Message & { receivedAt: string };

// --8<-- [start:store]
/** Write once. The same form with the same text again is the same success, not a second row. */
export async function store(
  db: D1Database,
  id: string,
  { name, email, message }: Message,
  log: Log,
): Promise<{ receivedAt: string; repeated: boolean }> {
  const receivedAt = new Date().toISOString();
  const written = await guarded(
    db
      .prepare("INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING")
      .bind(id, receivedAt, name, email, message)
      .run(),
    log,
  );
  if (written.meta.changes > 0) return { receivedAt, repeated: false };
  const columns = "received_at AS receivedAt, name, email, message";
  const kept = await guarded(
    db.prepare(`SELECT ${columns} FROM messages WHERE id = ?1`).bind(id).first<Row>(),
    log,
  );
  if (kept?.name === name && kept.email === email && kept.message === message) {
    return { receivedAt: kept.receivedAt, repeated: true };
  }
  const reason = "This form was sent before with another text. Send it again to add this one.";
  throw new HttpError(409, "already_sent", reason);
}

async function guarded<T>(query: Promise<T>, log: Log): Promise<T> {
  try {
    return await query;
  } catch (error) {
    log("d1_failed", { error: String(error) });
    const message = "The message could not be stored. Nothing is lost: send it again.";
    throw new HttpError(503, "storage_unavailable", message, { "Retry-After": "10" });
  }
}
// --8<-- [end:store]
