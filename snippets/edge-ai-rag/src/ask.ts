import { answer, ReaderLeft, type Send } from "./answer";
import { readText } from "./body";
import { HttpError } from "./http";
import { search } from "./search";
import { requireUser } from "./session";

const BODY_LIMIT_BYTES = 4096;
const QUESTION_CHARACTERS = 500;

// --8<-- [start:ask]
export async function ask(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  id: string,
): Promise<Response> {
  const user = await requireUser(request, env.SESSION_KEY);
  const { success } = await env.PER_USER.limit({ key: `${user.tenant}/${user.id}` });
  if (!success)
    throw new HttpError(429, "too_many_questions", "Ask again in a minute.", {
      "Retry-After": "60",
    });
  const body = await readText(request, "application/json", BODY_LIMIT_BYTES);
  const question = parseQuestion(body);
  // Before the first byte: whoever cannot be served gets a status, not half a stream.
  const passages = await search(env, user, question, id);

  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const send: Send = (event, data) =>
    writer
      .write(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`))
      .catch(() => {
        throw new ReaderLeft("the reader left");
      });
  const work = answer(env, user, question, passages, id, send)
    .catch((error: unknown) => {
      console.warn({ event: "answer_ended", request: id, reason: String(error) });
    })
    .finally(() => writer.close().catch(() => {}));
  ctx.waitUntil(work);
  const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-store" };
  return new Response(readable, { headers });
}
// --8<-- [end:ask]

function parseQuestion(body: string): string {
  const message = `"question" must be a text of 1 to ${QUESTION_CHARACTERS} characters.`;
  const invalid = new HttpError(400, "invalid_question", message);
  try {
    const { question } = JSON.parse(body) as { question?: unknown };
    const text = typeof question === "string" ? question.trim() : "";
    if (text.length === 0 || text.length > QUESTION_CHARACTERS) throw invalid;
    return text;
  } catch {
    throw invalid;
  }
}
