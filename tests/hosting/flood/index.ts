type Flood = { times: number; atOnce: number; url: string; headers: Record<string, string>; body: string };

export default {
  async fetch(request, env) {
    const path = new URL(request.url).pathname;
    if (path !== "/flood") return env.LIVE.fetch(request);
    const { times, atOnce, url, headers, body } = await request.json<Flood>();
    const seen: Record<number, number> = {};
    let left = times;
    const one = async () => {
      while (left-- > 0) {
        const response = await env.LIVE.fetch(url, { method: "POST", headers, body });
        await response.arrayBuffer();
        seen[response.status] = (seen[response.status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
    return Response.json(seen);
  },
} satisfies ExportedHandler<{ LIVE: Fetcher }>;
