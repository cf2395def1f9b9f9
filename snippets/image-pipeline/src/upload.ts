import { HttpError, json, type Log } from "./http";
import { inspect, sniff } from "./inspect";
import { pointName } from "./names";
import { keepOriginal } from "./store";

const BYTES_MAX = 20_000_000;

// --8<-- [start:receive]
export async function receivePhoto(
  request: Request,
  env: Env,
  name: string,
  log: Log,
): Promise<Response> {
  const bytes = await readBytes(request.body);
  const type = sniff(new Uint8Array(bytes, 0, Math.min(32, bytes.byteLength)));
  const size = await inspect(env.IMAGES, bytes, log);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  // The name comes last: whatever dies before leaves no name that leads nowhere.
  const isNew = await keepOriginal(env.ORIGINALS, hash, { bytes, type }, size, log);
  await pointName(env.ORIGINALS, name, hash, log);
  log("photo_kept", { name, hash, bytes: bytes.byteLength, ...size, new: isNew });
  return json({ name, hash, ...size, new: isNew }, isNew ? 201 : 200);
}
// --8<-- [end:receive]

// --8<-- [start:limit]
/** Content-Length may be absent or wrong, so the bytes are counted as they come. */
async function readBytes(body: ReadableStream<Uint8Array> | null): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > BYTES_MAX) {
      const message = `A photo takes at most ${BYTES_MAX} bytes.`;
      throw new HttpError(413, "body_too_large", message);
    }
    chunks.push(chunk);
  }
  return new Blob(chunks).arrayBuffer();
}
// --8<-- [end:limit]
