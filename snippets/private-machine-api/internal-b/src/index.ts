// --8<-- [start:reports]
export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== "/summary") return new Response(null, { status: 404 });
    const { orders, amountCents } = await env.ORDERS.totals();
    return Response.json({ orders, amountCents, averageCents: orders ? Math.round(amountCents / orders) : 0 });
  },
} satisfies ExportedHandler<Env>;
// --8<-- [end:reports]
