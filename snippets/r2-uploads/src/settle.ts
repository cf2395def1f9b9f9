import { type FileRow, move, type State } from "./files";
import { log } from "./http";
import { HEAD_BYTES, looksLike } from "./kinds";

// --8<-- [start:settle]
/**
 * Brings a row in line with what the bucket holds. Safe to repeat, and to die at any
 * line: the row changes first, so a second run sees what is left to do.
 */
export async function settle(env: Env, file: FileRow): Promise<State> {
  if (file.state === "ready") return "ready";
  if (file.state !== "pending") {
    await clear(env, file); // it came too late, or an earlier run died before this
    return file.state;
  }
  const object = await env.BUCKET.head(file.key);
  if (object === null) return "pending";
  const reason = await faultOf(env.BUCKET, object, file);
  if (reason === null) {
    if (await move(env.DB, file, ["pending"], "ready", { etag: object.etag }))
      log("log", "file_ready", {
        file: file.id,
        owner: file.owner,
        size: file.size,
      });
    return "ready";
  }
  if (await move(env.DB, file, ["pending"], "refused", { reason })) {
    log("warn", "file_refused", { file: file.id, owner: file.owner, reason });
    await clear(env, file);
  }
  return "refused";
}

async function faultOf(bucket: R2Bucket, object: R2Object, file: FileRow) {
  if (object.size !== file.size) return "size";
  if (object.httpMetadata?.contentType !== file.type) return "type";
  if (object.customMetadata?.owner !== file.owner) return "owner";
  const head = await bucket.get(file.key, {
    range: { offset: 0, length: HEAD_BYTES },
  });
  const bytes = head === null ? new Uint8Array() : new Uint8Array(await head.arrayBuffer());
  return looksLike(file.type, bytes) ? null : "content";
}
// --8<-- [end:settle]

// --8<-- [start:clear]
/** Until the deadline its URL may store the object again, so each sweep deletes it again. */
export async function clear(env: Env, file: FileRow, now = Date.now()): Promise<void> {
  await env.BUCKET.delete(file.key);
  if (file.deadline >= now) return;
  await env.DB.prepare("UPDATE files SET cleared = 1 WHERE id = ?").bind(file.id).run();
}
// --8<-- [end:clear]
