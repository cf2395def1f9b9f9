import { HttpError } from "./http";

// --8<-- [start:keys]
export function parseHash(text: string): string {
  if (isHash(text)) return text;
  throw new HttpError(400, "invalid_key", "A key is 64 of 0-9 and a-f.");
}

export function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

export function parseName(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,63}$/.test(text)) return text;
  throw new HttpError(
    400,
    "invalid_name",
    "A name has 1 to 64 of a-z, 0-9 and dash, and starts with a letter or a digit.",
  );
}
// --8<-- [end:keys]
