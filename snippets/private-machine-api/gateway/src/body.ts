import { Refusal } from "./errors";

export const BODY_LIMIT_BYTES = 1024 * 1024;

/**
 * Read a body once and remember it, up to the limit; a claimed Content-Length is only a
 * reason to stop early.
 */
export function bodyOf(request: Request): () => Promise<Uint8Array> {
  let read: Promise<Uint8Array> | undefined;
  return () => (read ??= readBody(request));
}

async function readBody(request: Request): Promise<Uint8Array> {
  const tooLarge = new Refusal(
    413,
    "too_large",
    `The body may have ${BODY_LIMIT_BYTES} bytes.`,
  );
  if (Number(request.headers.get("content-length")) > BODY_LIMIT_BYTES) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > BODY_LIMIT_BYTES) throw tooLarge;
    chunks.push(chunk);
  }
  const body = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}
