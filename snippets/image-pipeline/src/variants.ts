import { bestFormat } from "./accept";
import { HttpError } from "./http";
import { requireSignature } from "./signature";

// --8<-- [start:list]
export const WIDTHS = [160, 320, 640, 960, 1280, 1920];
export const FORMATS = ["avif", "webp", "jpeg"] as const;
const SIGNED_SIDE_MAX = 2000;

export type Format = (typeof FORMATS)[number];
export type Variant = {
  width: number;
  height?: number;
  format: Format;
  negotiated?: boolean;
  lifetimeS?: number;
};

/** `640` and `640.webp` need no signature; `300x200.webp` does. */
export async function parseVariant(
  url: URL,
  size: string,
  accept: string,
  keys: string,
): Promise<Variant> {
  const { width, height, format } = parseSize(size);
  if (height === undefined) {
    if (!WIDTHS.includes(width)) throw unknownSize();
    return format
      ? { width, format }
      : { width, format: bestFormat(accept), negotiated: true };
  }
  // Another size is work that you pay for: only who holds the key may order it.
  const lifetimeS = await requireSignature(url, keys);
  if (!format || Math.max(width, height) > SIGNED_SIDE_MAX) throw unknownSize();
  return { width, height, format, lifetimeS };
}

export function parseListed(size: string): string {
  const { width, height } = parseSize(size);
  if (height === undefined && WIDTHS.includes(width)) return size;
  throw unknownSize();
}

function parseSize(size: string): { width: number; height?: number; format?: Format } {
  const parts = /^([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?(?:\.([a-z]+))?$/.exec(size);
  const [, width, height, extension] = parts ?? [];
  const format = FORMATS.find((known) => known === extension);
  if (!width || (extension && !format)) throw unknownSize();
  return { width: Number(width), height: height ? Number(height) : undefined, format };
}
// --8<-- [end:list]

function unknownSize(): HttpError {
  const listed = `Widths are ${WIDTHS.join(", ")}; formats ${FORMATS.join(", ")}.`;
  return new HttpError(400, "unknown_size", `${listed} Other sizes must be signed.`);
}
