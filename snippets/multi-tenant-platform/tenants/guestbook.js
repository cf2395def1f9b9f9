// --8<-- [start:guestbook]
// What a tenant writes. It sees its own name, its own database, and the hosts on its list.
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/call") return fetch(searchParams.get("url"));
    await env.DB.prepare("CREATE TABLE IF NOT EXISTS entries (text TEXT)").run();
    if (request.method === "POST")
      await env.DB.prepare("INSERT INTO entries VALUES (?)")
        .bind(await request.text())
        .run();
    const { results } = await env.DB.prepare("SELECT text FROM entries").all();
    return Response.json({ tenant: env.TENANT, entries: results.map((row) => row.text) });
  },
};
// --8<-- [end:guestbook]
