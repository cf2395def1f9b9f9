import "../../../hosting/live/sandbox/closed";
import { kv, KV_SCHEMA } from "../../../hosting/live/sandbox/kv";
import { Hosted } from "../../../hosting/live/sandbox/hosted";
import { Sandbox } from "../../../hosting/live/sandbox/sandbox";

export class Visitor extends Sandbox {
  protected override readonly schema = [KV_SCHEMA];
  protected override readonly idleMs = 5_000;
  protected override readonly callsPerDay = 40;
  protected override readonly wallMs = 3_000;

  protected override async handle(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const store = kv(this.ctx.storage, this.mostBytes);
    if (pathname === "/sleep") await new Promise((resolve) => setTimeout(resolve, 600_000));
    if (pathname === "/throw") throw new Error("a secret of the inside");
    if (pathname === "/endless") {
      const chunk = new TextEncoder().encode("€".repeat(300) + "x".repeat(100));
      return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }));
    }
    if (pathname === "/trickle") return new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
    if (pathname === "/cookies") {
      const headers = new Headers([
        ["Set-Cookie", "__Host-live=stolen"],
        ["Set-Cookie", "a=b"],
        ["Clear-Site-Data", "*"],
      ]);
      return new Response("<script>alert(1)</script>", { headers: [...headers, ["Content-Type", "text/html"]] });
    }
    if (pathname === "/put") {
      await store.put(searchParams.get("key") ?? "", "x".repeat(Number(searchParams.get("bytes"))));
      return Response.json({ bytes: this.ctx.storage.sql.databaseSize });
    }
    if (pathname === "/out") {
      const ways: Record<string, () => unknown> = {
        fetch: () => fetch("https://example.com/"),
        WebSocket: () => new WebSocket("wss://example.com/"),
        EventSource: () => new EventSource("https://example.com/"),
        cache: () => caches.default,
        caches: () => caches.open("shared"),
      };
      const tried = Object.entries(ways).map(async ([name, way]) => [name, await attempt(way)]);
      return Response.json(Object.fromEntries(await Promise.all(tried)));
    }
    return Response.json({
      method: request.method,
      url: request.url,
      headers: [...request.headers],
      body: await request.text(),
    });
  }
}

async function attempt(way: () => unknown): Promise<string> {
  try {
    await way();
    return "got out";
  } catch (error) {
    return String(error);
  }
}

// A stand-in for a service binding is a default export.
export default Hosted;
