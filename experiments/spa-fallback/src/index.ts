import { nothingHere, problem } from "../../http";

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/auth/callback") {
      const code = searchParams.get("code");
      if (!code) return problem(400, "no_code", "The sign-in sent no code.");
      const headers = {
        Location: "/",
        "Set-Cookie": "session=new; HttpOnly; Secure; SameSite=Lax; Path=/",
      };
      return new Response(null, { status: 302, headers });
    }
    if (pathname === "/api/cart") return Response.json({ items: 2 });
    return nothingHere();
  },
} satisfies ExportedHandler;
