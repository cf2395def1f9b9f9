import { problem } from "../../http";

const FIRST_BYTES = 64 * 1024; // the beginning of a video, say

/** The header says how many bytes came out of the store to answer. */
function piece(body: BodyInit, read: number): Response {
  return new Response(body, { status: 206, headers: { "X-Bytes-Read": String(read) } });
}

const missing = () => problem(404, "not_found", "There is no file yet.");

export async function rangeFromKv(kv: KVNamespace): Promise<Response> {
  const file = await kv.get("file", "arrayBuffer"); // KV has no ranges: the whole value comes
  return file ? piece(file.slice(0, FIRST_BYTES), file.byteLength) : missing();
}

export async function rangeFromR2(bucket: R2Bucket): Promise<Response> {
  const object = await bucket.get("file", { range: { offset: 0, length: FIRST_BYTES } });
  if (!object) return missing();
  const bytes = await object.arrayBuffer();
  return piece(bytes, bytes.byteLength);
}
