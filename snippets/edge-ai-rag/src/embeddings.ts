import { within } from "./model";

// --8<-- [start:table]
type Embedding = {
  model: string;
  dimensions: number;
  index: "INDEX_E1" | "INDEX_E2";
  /** What this model wants before a question; passages get nothing. */
  query: string;
  options: Record<string, unknown>;
  /** Below the model's 512 tokens, with room for other scripts. */
  chunkCharacters: number;
};

/** A change of model, of pooling or of the cutting is a new entry, never an edit:
 *  vectors of different entries cannot be compared. */
export const EMBEDDINGS = {
  e1: {
    model: "@cf/baai/bge-base-en-v1.5",
    dimensions: 768,
    index: "INDEX_E1",
    query: "Represent this sentence for searching relevant passages: ",
    options: { pooling: "cls" },
    chunkCharacters: 1000,
  },
  e2: {
    model: "@cf/baai/bge-m3",
    dimensions: 1024,
    index: "INDEX_E2",
    query: "",
    options: {},
    chunkCharacters: 1000,
  },
} as const satisfies Record<string, Embedding>;

export type Name = keyof typeof EMBEDDINGS;
// --8<-- [end:table]

export const isName = (text: string): text is Name => Object.hasOwn(EMBEDDINGS, text);

// --8<-- [start:embed]
/** How many texts the bge models take in one call. */
export const MOST_TEXTS = 100;

export async function embed(env: Env, name: Name, texts: string[]): Promise<number[][]> {
  const { model, dimensions, options } = EMBEDDINGS[name];
  const gateway = { id: env.GATEWAY, metadata: { embedding: name } };
  const input = { text: texts, ...options };
  const asked: Promise<unknown> = env.AI.run<string>(model, input, { gateway });
  const answer = await within(Number(env.MODEL_PATIENCE_MS), asked);
  const { data } = answer as { data?: number[][] };
  // Another model behind the same name would fill the index with noise.
  if (data?.length !== texts.length || data.some((v) => v.length !== dimensions))
    throw new Error(`${model} did not answer ${texts.length} x ${dimensions}`);
  return data;
}

export async function embedQuestion(env: Env, name: Name, question: string) {
  const [vector] = await embed(env, name, [EMBEDDINGS[name].query + question]);
  if (!vector) throw new Error("no vector");
  return vector;
}
// --8<-- [end:embed]
