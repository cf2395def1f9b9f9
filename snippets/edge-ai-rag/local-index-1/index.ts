// Never deployed. Takes the place of one Vectorize index: the same methods, limits and refusals, cosine over an array.
// What is written becomes visible later, as in production, when a test holds it back.
import { WorkerEntrypoint } from "cloudflare:workers";

const INDEXED = new Set(["audience"]);

const vectors = new Map<string, VectorizeVector>();
const waiting: (() => void)[] = [];
let held = false;
let down = false;
let stalled = false;
let stuck = 0;
const asked: VectorizeQueryOptions[] = [];

export default class LocalIndex extends WorkerEntrypoint {
  override async fetch(): Promise<Response> {
    return new Response(null, { status: 404 });
  }

  async upsert(given: VectorizeVector[]): Promise<VectorizeAsyncMutation> {
    if (given.length > 1000) throw new Error("VECTOR_UPSERT_ERROR: more than 1000 vectors");
    for (const { id, namespace } of given) {
      if (new TextEncoder().encode(id).length > 64)
        throw new Error("VECTOR_UPSERT_ERROR: id is longer than 64 bytes");
      if (new TextEncoder().encode(namespace).length > 64)
        throw new Error("VECTOR_UPSERT_ERROR: namespace is longer than 64 bytes");
    }
    return change(() => {
      for (const vector of given) vectors.set(vector.id, vector);
    });
  }

  async deleteByIds(ids: string[]): Promise<VectorizeAsyncMutation> {
    await turn();
    return change(() => {
      for (const id of ids) vectors.delete(id);
    });
  }

  async query(
    vector: number[],
    options: VectorizeQueryOptions = {},
  ): Promise<VectorizeMatches> {
    if (down) throw new Error("VECTOR_QUERY_ERROR: index is not available");
    await turn();
    asked.push(options);
    const { topK = 5, namespace, filter = {} } = options;
    if (topK > (options.returnValues || options.returnMetadata ? 50 : 100))
      throw new Error("VECTOR_QUERY_ERROR: topK is too large");
    const matches = [...vectors.values()]
      .filter(
        (v) => (namespace === undefined || v.namespace === namespace) && fits(v, filter),
      )
      .map((v) => ({ id: v.id, namespace: v.namespace, score: cosine(vector, v.values) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, topK);
    return { matches, count: matches.length };
  }

  async describe() {
    return {
      vectorCount: vectors.size,
      dimensions: 0,
      processedUpToDatetime: 0,
      processedUpToMutation: 0,
    };
  }

  /** For tests: keep new writes invisible, let them through, fail, answer nobody, tell what was asked and what is stored. */
  hold(yes: boolean): void {
    held = yes;
    if (!yes) for (const apply of waiting.splice(0)) apply();
  }
  fail(yes: boolean): void {
    down = yes;
  }
  stall(yes: boolean): void {
    stalled = yes;
  }
  waiting(): number {
    return stuck;
  }
  queries(): VectorizeQueryOptions[] {
    return asked.splice(0);
  }
  stored(): { id: string; namespace: string | undefined }[] {
    return [...vectors.values()].map(({ id, namespace }) => ({ id, namespace }));
  }
}

async function turn(): Promise<void> {
  stuck++;
  while (stalled) await scheduler.wait(10);
  stuck--;
}

function change(apply: () => void): VectorizeAsyncMutation {
  if (down) throw new Error("VECTOR_UPSERT_ERROR: index is not available");
  if (held) waiting.push(apply);
  else apply();
  return { mutationId: crypto.randomUUID() };
}

/** A field without a metadata index matches nothing. */
function fits(
  { metadata = {} }: VectorizeVector,
  filter: VectorizeVectorMetadataFilter,
): boolean {
  return Object.entries(filter).every(([field, wanted]) => {
    if (!INDEXED.has(field)) return false;
    const list = (wanted as { $in?: unknown[] }).$in ?? [wanted];
    return list.includes(metadata[field]);
  });
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length)
    throw new Error("VECTOR_QUERY_ERROR: wrong number of dimensions");
  let dot = 0,
    left = 0,
    right = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] ?? 0,
      y = b[i] ?? 0;
    dot += x * y;
    left += x * x;
    right += y * y;
  }
  return dot / (Math.sqrt(left * right) || 1);
}
