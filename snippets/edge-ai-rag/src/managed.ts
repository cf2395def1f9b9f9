import type { Passage } from "./search";

// --8<-- [start:managed]
/** The whole search with AI Search: one instance for each tenant, made at run time. */
export async function searchManaged(
  instances: AiSearchNamespace,
  tenant: string,
  question: string,
): Promise<Passage[]> {
  const { chunks } = await instances.get(tenant).search({ query: question });
  return chunks.map(({ id, item, text }, n) => ({ n: n + 1, id, source: item.key, text }));
}
// --8<-- [end:managed]
