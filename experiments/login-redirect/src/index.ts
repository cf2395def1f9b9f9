import { nothingHere, problem } from "../../http";

// Stands for Access in front of an API, and for the API: neither Access nor its tokens run
// offline.
const received: string[] = [];

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/received") return Response.json({ received: received.length });
    if (pathname === "/login")
      return new Response("<h1>Sign in</h1>", { headers: { "Content-Type": "text/html" } });
    if (pathname !== "/backups") return nothingHere();
    if (request.headers.get("CF-Access-Client-Secret") !== "the-valid-one") {
      const strict: string = env.STRICT;
      if (strict === "yes")
        return problem(401, "unauthenticated", "This token cannot sign in.");
      const headers = { Location: "/login", "Cache-Control": "no-store" };
      return new Response(null, { status: 302, headers });
    }
    received.push(await request.text());
    return Response.json({ stored: true }, { status: 201 });
  },
} satisfies ExportedHandler<Env>;
