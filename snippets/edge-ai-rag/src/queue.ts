import { ingest } from "./ingest";
import { placeOf } from "./names";

const LONGEST_DELAY_S = 3600;
const PAGE = 100;

type Work = { key: string; again: boolean } | { backfill: string };

// --8<-- [start:queue]
/** Each message ends by itself, so one bad document stops no other. */
export async function consume(batch: MessageBatch, env: Env): Promise<void> {
  for (const message of batch.messages) {
    const about = { request: message.id, attempt: message.attempts };
    const work = workOf(message.body, env.BUCKET_NAME);
    try {
      if (work === null) console.error({ event: "message_unreadable", ...about });
      else if ("backfill" in work) await backfill(env, work.backfill);
      else await document(env, work.key, work.again || message.attempts > 1, about);
      message.ack();
    } catch (error) {
      const doubled = Number(env.RETRY_BASE_S) * 2 ** (message.attempts - 1);
      const delaySeconds = Math.min(doubled, LONGEST_DELAY_S);
      const reason = String(error).split("\n", 1)[0];
      console.error({ event: "ingest_failed", reason, delaySeconds, work, ...about });
      message.retry({ delaySeconds });
    }
  }
}

/** R2's own event, or one of our two messages: a document to look at, a page. */
function workOf(body: unknown, bucket: string): Work | null {
  if (typeof body !== "object" || body === null) return null;
  const given = body as Record<string, unknown>;
  if (typeof given.backfill === "string") return { backfill: given.backfill };
  if (typeof given.document === "string")
    return { key: given.document, again: given.again === true };
  const object = given.object as { key?: unknown } | undefined;
  const ours = given.bucket === bucket && typeof object?.key === "string";
  return ours ? { key: String(object.key), again: false } : null;
}
// --8<-- [end:queue]

async function document(env: Env, key: string, again: boolean, about: object): Promise<void> {
  const place = placeOf(key);
  const outcome = place ? await ingest(env, place, again) : "ignored";
  console.log({ event: "document", outcome, key, ...about });
}

// --8<-- [start:backfill]
/** One page of the bucket becomes one message a document, and one for the next page. */
async function backfill(env: Env, cursor: string): Promise<void> {
  const page = await env.BUCKET.list({ limit: PAGE, ...(cursor && { cursor }) });
  const messages = page.objects.map(({ key }) => ({ body: { document: key } }));
  if (messages.length > 0) await env.DOCUMENTS.sendBatch(messages);
  if (page.truncated) await env.DOCUMENTS.send({ backfill: page.cursor });
}
// --8<-- [end:backfill]
