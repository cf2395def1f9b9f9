import { FORMATS, type Format, type Variant } from "./variants";

// --8<-- [start:accept]
/** A wildcard is no promise to know AVIF: only what the header names counts. */
export function bestFormat(accept: string): Format {
  const named = accept
    .toLowerCase()
    .split(/[ \t]*,[ \t]*/)
    .filter((range) => !/;[ \t]*q=0(\.0*)?[ \t]*(;|$)/.test(range))
    .map((range) => range.split(/[ \t]*;/)[0]);
  return FORMATS.find((format) => named.includes(`image/${format}`)) ?? "jpeg";
}

// Cloudflare Images makes no larger AVIF.
const AVIF_SIDE_MAX = 1200;

/** What is encoded in the end: an AVIF that would be too large becomes a WebP. */
export function encodingOf(variant: Variant, width: number, height: number): Format {
  if (variant.format !== "avif") return variant.format;
  const scale = Math.min(1, variant.width / width);
  const tallest = variant.height ?? height * scale;
  const widest = variant.height ? variant.width : width * scale;
  return Math.max(tallest, widest) <= AVIF_SIDE_MAX ? "avif" : "webp";
}
// --8<-- [end:accept]
