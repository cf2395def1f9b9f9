import { nothingHere, problem } from "../../http";
import { findInD1, findInKv } from "./find";
import { rangeFromKv, rangeFromR2 } from "./range";

const FILE_LIMIT_BYTES = 30 * 2 ** 20;

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const customer = searchParams.get("customer") ?? "";
    switch (`${request.method} ${pathname}`) {
      case "GET /kv/orders":
        return Response.json(await findInKv(env.KV, customer));
      case "GET /d1/orders":
        return Response.json(await findInD1(env.DB, customer));
      case "GET /kv/file":
        return rangeFromKv(env.KV);
      case "GET /r2/file":
        return rangeFromR2(env.FILES);
      case "PUT /kv/file":
      case "PUT /r2/file":
        return store(request, env, pathname === "/kv/file");
      default:
        return nothingHere();
    }
  },
} satisfies ExportedHandler<Env>;

async function store(request: Request, env: Env, inKv: boolean): Promise<Response> {
  const length = Number(request.headers.get("Content-Length") ?? Infinity);
  if (length > FILE_LIMIT_BYTES)
    return problem(413, "too_large", "This experiment takes smaller files.");
  const file = await request.arrayBuffer();
  try {
    if (inKv) await env.KV.put("file", file);
    else await env.FILES.put("file", file);
  } catch (error) {
    console.error(JSON.stringify({ event: "not_stored", error: String(error) }));
    return problem(507, "not_stored", "The store refused this file.");
  }
  return new Response(null, { status: 204 });
}
