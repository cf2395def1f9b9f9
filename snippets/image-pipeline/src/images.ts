import { firstLine, HttpError, type Log } from "./http";
import type { Format } from "./variants";

export class Unreadable extends Error {}

/** The service broke, over this file or by itself: it does not say which. */
export class Unsure extends HttpError {
  constructor() {
    const message = "The image service failed. Try again.";
    super(503, "images_failed", message, { "Retry-After": "10" });
  }
}

export type Picture = { type: string; bytes: ArrayBuffer };

// --8<-- [start:resize]
export async function resize(
  images: ImagesBinding,
  source: ReadableStream<Uint8Array>,
  size: { width: number; height?: number },
  format: Format,
  log: Log,
): Promise<Picture> {
  const fit = size.height === undefined ? "scale-down" : "cover";
  return attempt(log, async () => {
    const result = await images
      .input(source)
      .transform({ ...size, fit })
      // JPEG has no transparency; an animation becomes its first picture.
      .output({ format: `image/${format}`, background: "#ffffff", anim: false });
    const bytes = await new Response(result.image()).arrayBuffer();
    return { type: result.contentType(), bytes };
  });
}
// --8<-- [end:resize]

export async function measure(
  images: ImagesBinding,
  bytes: ArrayBuffer,
  log: Log,
): Promise<{ width: number; height: number }> {
  const info = await attempt(log, () => images.info(new Blob([bytes]).stream()));
  if ("width" in info) return info;
  throw new Unreadable(`no size in ${info.format}`);
}

// --8<-- [start:guard]
const BUSY = new Set([9522, 9527, 9528, 9529]);
const USED_UP = 9422;
const UNEXPECTED = 9523;

/** Tells "come back later" from "this is no picture". */
async function attempt<T>(log: Log, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as Partial<ImagesError>;
    log("images_failed", { code, error: firstLine(error) });
    if (code === USED_UP) {
      const message = "No new sizes can be made this month.";
      throw new HttpError(503, "transformations_used_up", message, {
        "Retry-After": "3600",
      });
    }
    if (code !== undefined && BUSY.has(code)) {
      const message = "The image service is busy. Try again.";
      throw new HttpError(503, "images_busy", message, { "Retry-After": "2" });
    }
    // Without a code a connection broke, to Images or to R2.
    if (code === undefined || code === UNEXPECTED) throw new Unsure();
    throw new Unreadable(firstLine(error));
  }
}
// --8<-- [end:guard]
