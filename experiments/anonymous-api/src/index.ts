import { nothingHere } from "../../http";

const ORDERS = [
  { id: 1, owner: "shop-backend", amountCents: 1200 },
  { id: 2, owner: "another", amountCents: 900 },
];

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      // --8<-- [start:wrong]
      case "GET /v1/orders":
        return Response.json({ orders: ORDERS }); // nobody asks who asks
      case "POST /internal/expire":
        return Response.json({ expired: ORDERS.length });
      // --8<-- [end:wrong]
      case "GET /v1/reports/summary":
        return Response.json({ orders: ORDERS.length });
      case "GET /healthz":
        return Response.json({ ok: true });
      default:
        return nothingHere();
    }
  },
} satisfies ExportedHandler;
