import { HttpError, type Log } from "./http";
import { measure, resize, Unreadable, Unsure } from "./images";
import type { Size } from "./store";

const PIXELS_MAX = 100_000_000;
const SIDE_MAX = 12_000;
const PROOF = { width: 160 };

// --8<-- [start:sniff]
/** The bytes decide, not Content-Type. Nothing else ever reaches a decoder. */
export function sniff(head: Uint8Array): string {
  const text = String.fromCharCode(...head);
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  const animated = text.slice(12, 16) === "VP8X" && (text.charCodeAt(20) & 2) !== 0;
  if (/^RIFF.{4}WEBP/s.test(text) && !animated) return "image/webp";
  throw new HttpError(415, "unsupported_image", "Send a JPEG, a PNG or a still WebP.");
}
// --8<-- [end:sniff]

// --8<-- [start:inspect]
export async function inspect(
  images: ImagesBinding,
  bytes: ArrayBuffer,
  log: Log,
): Promise<Size> {
  try {
    const { width, height } = await measure(images, bytes, log);
    if (Math.max(width, height) > SIDE_MAX || width * height > PIXELS_MAX) {
      const message = `At most ${SIDE_MAX} pixels a side, ${PIXELS_MAX} in all.`;
      throw new HttpError(422, "too_many_pixels", message);
    }
    // A header is easily forged. Making a small size reads the whole file, and shows
    // which way is up: phones store portraits lying down.
    const proof = await resize(images, new Blob([bytes]).stream(), PROOF, "webp", log);
    const upright = await measure(images, proof.bytes, log);
    const turned = upright.width < upright.height !== width < height;
    return turned ? { width: height, height: width } : { width, height };
  } catch (error) {
    if (error instanceof Unsure) {
      const message = "The file cannot be read. If it is sound, send it again later.";
      throw new HttpError(422, "unreadable_image", message);
    }
    if (!(error instanceof Unreadable)) throw error;
    throw new HttpError(422, "unreadable_image", "The file is damaged or no image.");
  }
}
// --8<-- [end:inspect]
