import { Citations } from "./citations";
import { write } from "./model";
import type { Passage } from "./search";
import type { User } from "./session";

export type Send = (event: string, data: object) => Promise<void>;
export class ReaderLeft extends Error {}

const NOTHING = "Your documents hold nothing on this question.";
const UNSUPPORTED = "No passage of your documents is named for this answer.";
const PARTIAL = "The answer could not be finished. The passages above are complete.";

// --8<-- [start:answer]
/** Sources first, then text, then one last event: "done" or "partial", never silence. */
export async function answer(
  env: Env,
  user: User,
  question: string,
  passages: Passage[],
  id: string,
  send: Send,
): Promise<void> {
  await send("sources", { passages });
  if (passages.length === 0)
    return send("done", { supported: false, citations: [], message: NOTHING });
  const citations = new Citations(passages.length);
  let written = false;
  for (const model of env.CHAT_MODELS.split(",")) {
    try {
      const metadata = { tenant: user.tenant, request: id };
      for await (const part of write(env, model, question, passages, metadata)) {
        const text = citations.push(part);
        if (text) await send("text", { text });
        written = true;
      }
      const rest = citations.end();
      if (rest) await send("text", { text: rest });
      return finish(passages, citations, id, model, send);
    } catch (error) {
      if (error instanceof ReaderLeft) throw error;
      const reason = String(error).split("\n", 1)[0];
      console.error({ event: "model_failed", request: id, model, reason });
      // A second model would begin the same answer again.
      if (written) break;
    }
  }
  const error = { code: "model_unavailable", message: PARTIAL };
  await send("partial", { error, citations: named(passages, citations) });
}
// --8<-- [end:answer]

async function finish(
  passages: Passage[],
  citations: Citations,
  id: string,
  model: string,
  send: Send,
): Promise<void> {
  const { size } = citations.cited;
  const unknown = [...citations.unknown];
  if (unknown.length > 0) console.warn({ event: "citation_unknown", request: id, unknown });
  console.log({
    event: "answered",
    request: id,
    model,
    passages: passages.length,
    cited: size,
  });
  const list = named(passages, citations);
  if (size > 0) return send("done", { supported: true, citations: list });
  return send("done", { supported: false, citations: list, message: UNSUPPORTED });
}

const named = (passages: Passage[], { cited }: Citations) =>
  passages.filter(({ n }) => cited.has(n)).map(({ n, id, source }) => ({ n, id, source }));
