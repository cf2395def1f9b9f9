import { AwsClient } from "aws4fetch";
import { nothingHere, problem } from "../../http";

const VALID_S = 300;
const LIMIT_BYTES = 100 * 2 ** 20;

// --8<-- [start:wrong]
async function throughMemory(request: Request, bucket: R2Bucket, key: string) {
  // The whole file, once for each upload that is under way.
  await bucket.put(key, await request.arrayBuffer());
  return Response.json({ key }, { status: 201 });
}
// --8<-- [end:wrong]

// --8<-- [start:half]
async function throughStream(request: Request, bucket: R2Bucket, key: string) {
  // A piece at a time, but every byte comes by here.
  await bucket.put(key, request.body);
  return Response.json({ key }, { status: 201 });
}
// --8<-- [end:half]

// --8<-- [start:right]
async function signed(env: Env, key: string): Promise<Response> {
  const address = new URL(`${env.S3_ENDPOINT}/uploads/${key}`);
  address.searchParams.set("X-Amz-Expires", String(VALID_S));
  const signer = new AwsClient({
    accessKeyId: env.S3_ACCESS_KEY_ID,
    secretAccessKey: env.S3_SECRET_ACCESS_KEY,
    service: "s3",
    region: "auto",
  });
  const request = await signer.sign(address.href, {
    method: "PUT",
    aws: { signQuery: true },
  });
  return Response.json({ url: request.url });
}
// --8<-- [end:right]

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const [, way, key = ""] = pathname.split("/");
    if (request.method !== "PUT" || !/^[a-z0-9]{1,32}$/.test(key)) return nothingHere();
    if (Number(request.headers.get("Content-Length") ?? Infinity) > LIMIT_BYTES)
      return problem(413, "too_large", `A file takes at most ${LIMIT_BYTES} bytes.`);
    if (way === "memory") return throughMemory(request, env.BUCKET, key);
    if (way === "stream") return throughStream(request, env.BUCKET, key);
    if (way === "sign") return signed(env, key);
    return nothingHere();
  },
} satisfies ExportedHandler<Env>;
