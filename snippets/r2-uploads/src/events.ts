import { type FileRow, fileOfKey, move } from "./files";
import { log } from "./http";
import { clear, settle } from "./settle";

const LONGEST_DELAY_S = 3600;

// --8<-- [start:queue]
/** A message is acknowledged after its work is done, each for itself. */
export async function onEvents(batch: MessageBatch, env: Env): Promise<void> {
  await Promise.all(
    batch.messages.map(async (message) => {
      try {
        await onEvent(message.body, env);
        message.ack();
      } catch (error) {
        const { id, attempts } = message;
        const delaySeconds = Math.min(
          env.RETRY_BASE_S * 2 ** (attempts - 1),
          LONGEST_DELAY_S,
        );
        log("error", "event_failed", {
          message: id,
          attempts,
          error: String(error),
        });
        message.retry({ delaySeconds });
      }
    }),
  );
}

async function onEvent(body: unknown, env: Env): Promise<void> {
  const { action, bucket, object, eventTime } = body as R2Event;
  if (bucket !== env.BUCKET_NAME || !object.key.startsWith("uploads/")) {
    // Not ours to judge, and not ours to delete.
    log("warn", "event_ignored", { action, bucket, key: object.key });
    return;
  }
  const file = await fileOfKey(env.DB, object.key);
  // The row may still come, or the database was restored: never delete for its lack.
  if (file === null) throw new Error(`no row for ${object.key}`);
  // By the event's own time: it may come late, and the URL no longer live.
  const byUrl = !(Date.parse(eventTime) >= file.url_until);
  if (action === "CopyObject" && (file.state === "pending" || byUrl))
    return refuseCopy(env, file);
  if (file.state === "ready" && file.etag !== object.eTag)
    log("error", "file_overwritten", { file: file.id, action });
  await settle(env, file);
}

/** A copy holds what somebody else uploaded. A URL is for the bytes of its own request. */
async function refuseCopy(env: Env, file: FileRow): Promise<void> {
  log("error", "file_copied", { file: file.id, owner: file.owner });
  await move(env.DB, file, ["pending", "ready"], "refused", { reason: "copied" });
  await clear(env, file);
}

type R2Event = {
  action: "PutObject" | "CopyObject" | "CompleteMultipartUpload";
  bucket: string;
  object: { key: string; size: number; eTag: string };
  eventTime: string;
};
// --8<-- [end:queue]
