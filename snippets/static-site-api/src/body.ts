// 2,000 characters take up to 18,000 bytes in a URL-encoded form.
const BODY_LIMIT_BYTES = 32_768;

export class TooLarge extends Error {}

// --8<-- [start:limit]
/** Content-Length may be absent or wrong: the bytes are counted as they come. */
export async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > BODY_LIMIT_BYTES) throw new TooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
// --8<-- [end:limit]
