import { HttpError } from "./http";

const BODY_LIMIT_BYTES = 262_144;

class TooLarge extends Error {}

export async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get("Content-Type") ?? "";
  if (!/^application\/json[ \t]*(;|$)/i.test(type)) {
    const message = "Send JSON with Content-Type: application/json.";
    throw new HttpError(415, "unsupported_media_type", message);
  }
  try {
    return JSON.parse(await readText(request.body));
  } catch (error) {
    if (error instanceof TooLarge) {
      const message = `A body takes at most ${BODY_LIMIT_BYTES} bytes.`;
      throw new HttpError(413, "body_too_large", message);
    }
    throw new HttpError(400, "invalid_json", "The body is not JSON in UTF-8.");
  }
}

/** Content-Length may be absent or wrong, so the bytes are counted as they come. */
async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
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
