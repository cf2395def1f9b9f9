import type { Passage } from "./search";
import type { User } from "./session";

// --8<-- [start:managed]
/** The whole search with AI Search: one instance a tenant, with the groups as metadata. */
export async function searchManaged(
  instances: AiSearchNamespace,
  { tenant, audiences }: User,
  question: string,
): Promise<Passage[]> {
  const { chunks } = await instances.get(tenant).search({
    query: question,
    ai_search_options: {
      // By default, a search that fails answers "nothing found".
      retrieval: { filters: { audience: { $in: audiences } }, return_on_failure: false },
    },
  });
  return chunks.map(({ id, item, text }, n) => ({ n: n + 1, id, source: item.key, text }));
}
// --8<-- [end:managed]
