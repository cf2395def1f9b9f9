/**
 * Which Worker holds the binding; set in that Worker's wrangler.toml. Nothing else sets it,
 * so a stray route has none.
 */
interface Props {
  service?: "gateway";
}

// --8<-- [start:reports]
export default {
  async fetch(request, env, ctx) {
    const known =
      ctx.props?.service === "gateway" && new URL(request.url).pathname === "/summary";
    if (!known) return new Response(null, { status: 404 });
    const { orders, amountCents } = await env.ORDERS.totals();
    return Response.json({
      orders,
      amountCents,
      averageCents: orders ? Math.round(amountCents / orders) : 0,
    });
  },
} satisfies ExportedHandler<Env, unknown, unknown, Props>;
// --8<-- [end:reports]
