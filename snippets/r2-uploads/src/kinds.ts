// --8<-- [start:kinds]
type Kind = { offset: number; bytes: number[] };

/** What may be uploaded, with its first bytes. No HTML and no SVG: they run scripts. */
export const KINDS: Readonly<Record<string, Kind>> = {
  "image/png": {
    offset: 0,
    bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  },
  "image/jpeg": { offset: 0, bytes: [0xff, 0xd8, 0xff] },
  "application/pdf": { offset: 0, bytes: [0x25, 0x50, 0x44, 0x46, 0x2d] },
  "video/mp4": { offset: 4, bytes: [0x66, 0x74, 0x79, 0x70] },
};

export const HEAD_BYTES = 16;

export function looksLike(type: string, head: Uint8Array): boolean {
  const kind = KINDS[type];
  return kind?.bytes.every((byte, i) => head[kind.offset + i] === byte) ?? false;
}
// --8<-- [end:kinds]
