import { byteLength, FrameError } from "./frames";

export type Message = { id: number; user: string; text: string; at: number };
export type Page = {
  messages: Message[];
  /** There are more: ask again, from the last id of this page. */
  more: boolean;
  /** Some messages after the id asked for are gone, because they were too old. */
  expired: boolean;
  /** The id asked for was never given here: the room was set back. Forget what you have. */
  reset: boolean;
};

const PAGE = 50;
const PAGE_BYTES = 64 * 1024;
const EXPIRE_AT_ONCE = 1000;

/** The messages of one room, numbered 1, 2, 3 … without a gap and for ever. */
export class History {
  private newest: number;

  constructor(private readonly storage: DurableObjectStorage) {
    storage.sql.exec(`CREATE TABLE IF NOT EXISTS messages (
      id INTEGER PRIMARY KEY, user TEXT, key TEXT, text TEXT, at INTEGER,
      UNIQUE (user, key))`);
    const { top } = storage.sql
      .exec<{ top: number | null }>("SELECT MAX(id) AS top FROM messages")
      .one();
    this.newest = top ?? storage.kv.get<number>("newest") ?? 0;
  }

  // --8<-- [start:add]
  /** Store a message once: the same key of the same user is the same message. */
  add(user: string, key: string, text: string): { message: Message; fresh: boolean } {
    const [known] = this.storage.sql
      .exec<Message>(
        "SELECT id, user, text, at FROM messages WHERE user = ? AND key = ?",
        user,
        key,
      )
      .toArray();
    if (known === undefined) {
      const message = { id: this.newest + 1, user, text, at: Date.now() };
      this.storage.sql.exec(
        "INSERT INTO messages (id, user, key, text, at) VALUES (?, ?, ?, ?, ?)",
        message.id,
        user,
        key,
        text,
        message.at,
      );
      this.newest = message.id;
      return { message, fresh: true };
    }
    if (known.text === text) return { message: known, fresh: false };
    throw new FrameError("key_reused", "This key belongs to another message.");
  }
  // --8<-- [end:add]

  // --8<-- [start:page]
  /** What came after an id; without an id, the latest messages. */
  page(since: number | null): Page {
    const reset = since !== null && since > this.newest;
    const from = since === null || reset ? Math.max(0, this.newest - PAGE) : since;
    const found = this.storage.sql
      .exec<Message>(
        "SELECT id, user, text, at FROM messages WHERE id > ? ORDER BY id LIMIT ?",
        from,
        PAGE + 1,
      )
      .toArray();
    const messages: Message[] = [];
    let bytes = 0; // in JSON one character can take six: a page of long texts ends earlier
    for (const message of found.slice(0, PAGE)) {
      bytes += byteLength(JSON.stringify(message));
      if (bytes > PAGE_BYTES && messages.length > 0) break;
      messages.push(message);
    }
    const first = messages[0]?.id ?? this.newest + 1;
    const expired = since !== null && !reset && first > since + 1;
    return { messages, more: messages.length < found.length, expired, reset };
  }
  // --8<-- [end:page]

  // --8<-- [start:expire]
  /** Delete what is older, and return the time of the oldest that stays, if any does. */
  expire(beforeMs: number): number | null {
    const oldest = this.storage.sql
      .exec<{ id: number; at: number }>(
        "SELECT id, at FROM messages ORDER BY id LIMIT ?",
        EXPIRE_AT_ONCE + 1,
      )
      .toArray();
    const old = oldest.slice(0, EXPIRE_AT_ONCE).filter(({ at }) => at <= beforeMs);
    const gone = old.at(-1);
    if (gone !== undefined) {
      // Numbers go on where they were, also when no message is left.
      this.storage.kv.put("newest", this.newest);
      this.storage.sql.exec("DELETE FROM messages WHERE id <= ?", gone.id);
    }
    return oldest.find(({ id }) => id > (gone?.id ?? 0))?.at ?? null;
  }
  // --8<-- [end:expire]
}
