import { HttpError } from "./http";

const MOST_BYTES = 64 * 1024;
const SLOWEST_MS = 3_000;

/** Only our own pages call: a browser says so, and what says nothing is no page of ours. */
export function refuseOtherSites(request: Request): void {
  const site = request.headers.get("Sec-Fetch-Site");
  const origin = request.headers.get("Origin");
  const ours = origin === new URL(request.url).origin;
  if (ours && (site === null || site === "same-origin")) return;
  throw new HttpError(403, "other_site", "Only the pages of this site can send requests.");
}

/** Read the body up to the limit and the deadline: Content-Length may lie, and a slow sender holds nothing open. */
export async function readBody(request: Request): Promise<unknown> {
  if (!/^application\/json[ \t]*(;|$)/i.test(request.headers.get("Content-Type") ?? "")) {
    throw new HttpError(415, "unsupported_media_type", "Send Content-Type: application/json.");
  }
  const reader = request.body?.getReader();
  let timer: number | null = null;
  const late = new Promise<"late">((resolve) => (timer = setTimeout(resolve, SLOWEST_MS, "late")));
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let [text, size] = ["", 0];
  try {
    for (;;) {
      const read = await Promise.race([reader?.read(), late]);
      if (read === "late") throw new HttpError(408, "body_too_slow", `A body takes at most ${SLOWEST_MS} ms.`);
      if (!read || read.done) break;
      size += read.value.byteLength;
      if (size > MOST_BYTES) throw new HttpError(413, "body_too_large", `A body has at most ${MOST_BYTES} bytes.`);
      text += decoder.decode(read.value, { stream: true });
    }
    return JSON.parse(text + decoder.decode());
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, "invalid_json", "The body is not JSON in UTF-8.");
  } finally {
    clearTimeout(timer);
  }
}
