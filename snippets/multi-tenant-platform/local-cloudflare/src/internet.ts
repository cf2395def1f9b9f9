/** Stands for the Internet: says what reached it, in full at `/mirror`; redirects to `?to=`. */
export async function internet(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const to = url.searchParams.get("to");
  // As fetch() does: it follows, unless it is told not to.
  if (to && request.redirect === "follow") return internet(new Request(to, request));
  if (to) return new Response(null, { status: 302, headers: { Location: to } });
  if (url.pathname === "/mirror") return mirror(request);
  return Response.json({
    reached: url.hostname,
    path: url.pathname,
    tenant: request.headers.get("x-platform-tenant"),
  });
}

async function mirror(request: Request): Promise<Response> {
  const { method, cache, cf = null } = request;
  const headers = Object.fromEntries(request.headers);
  return Response.json({ method, cache, cf, headers, body: await request.text() });
}
