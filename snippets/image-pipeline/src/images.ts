import { firstLine, HttpError, type Log } from "./http";
import type { Format } from "./variants";

export class Unreadable extends Error {}

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
  return guarded(log, async () => {
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
  const info = await guarded(log, () => images.info(new Blob([bytes]).stream()));
  if ("width" in info) return info;
  throw new Unreadable(`no size in ${info.format}`);
}

// --8<-- [start:guard]
const BUSY = new Set([9522, 9527, 9528, 9529]);
const USED_UP = 9422;

/** Tells "come back later" from "this is no picture". */
async function guarded<T>(log: Log, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as ImagesError;
    log("images_failed", { code, error: firstLine(error) });
    if (code === USED_UP) {
      const message = "No new sizes can be made this month.";
      throw new HttpError(503, "transformations_used_up", message, {
        "Retry-After": "3600",
      });
    }
    if (BUSY.has(code)) {
      const message = "The image service is busy. Try again.";
      throw new HttpError(503, "images_busy", message, { "Retry-After": "2" });
    }
    throw new Unreadable(firstLine(error));
  }
}
// --8<-- [end:guard]
