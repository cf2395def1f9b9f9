import { HttpError } from "./http";

export type Range = { offset: number; length: number };

// --8<-- [start:range]
/** One range of bytes, or null: the whole file, also for several ranges at once. */
export function parseRange(headers: Headers, size: number, etag: string): Range | null {
  const given = /^bytes=(\d*)-(\d*)$/i.exec(headers.get("Range") ?? "");
  if (given === null || (given[1] === "" && given[2] === "")) return null;
  const condition = headers.get("If-Range");
  if (condition !== null && condition !== etag) return null; // another version
  const [first, last] = [given[1] ?? "", given[2] ?? ""];
  const offset = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== "" && last !== "" && Number(last) < Number(first)) return null; // no range
  if (offset >= size || (first === "" && Number(last) === 0)) {
    throw new HttpError(416, "range_not_satisfiable", `The file has ${size} bytes.`, {
      "Content-Range": `bytes */${size}`,
    });
  }
  return { offset, length: end - offset + 1 };
}
// --8<-- [end:range]

// --8<-- [start:conditions]
export function hasIt(headers: Headers, etag: string): boolean {
  return tags(headers.get("If-None-Match")).some(
    (tag) => tag === "*" || tag.replace(/^W\//, "") === etag,
  );
}

export function wantsAnother(headers: Headers, etag: string): boolean {
  const wanted = headers.get("If-Match");
  return wanted !== null && !tags(wanted).some((tag) => tag === "*" || tag === etag);
}

const tags = (list: string | null) => (list ?? "").split(/[ \t]*,[ \t]*/);
// --8<-- [end:conditions]
