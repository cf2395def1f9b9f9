import { HttpError } from "./http";

const BODY_LIMIT_BYTES = 4096;

export class TooLarge extends Error {}

// --8<-- [start:limit]
/** Content-Length may be absent or wrong, so the bytes are counted as they come. */
export async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > BODY_LIMIT_BYTES) throw new TooLarge(`more than ${BODY_LIMIT_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
// --8<-- [end:limit]

export async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get("Content-Type") ?? "";
  if (!/^application\/json[ \t]*(;|$)/i.test(type)) {
    throw new HttpError(
      415,
      "unsupported_media_type",
      "Send the flag with Content-Type: application/json.",
    );
  }
  try {
    return JSON.parse(await readText(request.body));
  } catch (error) {
    if (error instanceof TooLarge) {
      throw new HttpError(
        413,
        "body_too_large",
        `A flag takes at most ${BODY_LIMIT_BYTES} bytes.`,
      );
    }
    throw new HttpError(400, "invalid_json", "The body is not JSON in UTF-8.");
  }
}
