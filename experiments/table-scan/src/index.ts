import { nothingHere, problem } from "../../http";

const QUERIES: Record<string, string> = {
  "/scanned": "SELECT id FROM scanned WHERE email = ?",
  "/indexed": "SELECT id FROM indexed WHERE email = ?",
};

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const query = QUERIES[pathname];
    if (request.method !== "GET" || !query) return nothingHere();
    const email = searchParams.get("email") ?? "";
    if (!/^\S{1,64}@\S{1,189}$/.test(email))
      return problem(400, "invalid_email", "This is no e-mail address.");
    // --8<-- [start:log]
    const lookup = env.DB.prepare(query).bind(email);
    const { results, meta } = await lookup.run<{ id: number }>();
    const rowsRead = meta.rows_read;
    console.log(JSON.stringify({ event: "query", pathname, rowsRead }));
    // --8<-- [end:log]
    return Response.json({ ids: results.map((row) => row.id), rowsRead });
  },
} satisfies ExportedHandler<Env>;
