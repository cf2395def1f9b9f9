import { HttpError } from "./http";
import { KINDS } from "./kinds";
import { MAX_OBJECT_BYTES, MAX_PUT_BYTES } from "./plan";

export type Ask = { name: string; type: string; size: number; multipart: boolean };

// --8<-- [start:ask]
// The name is shown and offered for saving. It never becomes part of the key. Signs that turn
// the direction of text would show another name; joiners belong to ordinary names.
const NAME = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069/\\]{1,200}$/u;

export function parseAsk(value: unknown): Ask {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("Send a JSON object.");
  const { name, type, size, multipart = false, ...others } = value as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw invalid(`There is no field ${JSON.stringify([...unknown].slice(0, 40).join(""))}.`);
  if (typeof name !== "string" || !NAME.test(name))
    throw invalid('"name" has 1 to 200 characters, no slash and no control character.');
  if (typeof type !== "string" || !Object.hasOwn(KINDS, type))
    throw invalid(`"type" is one of ${Object.keys(KINDS).join(", ")}.`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 1)
    throw invalid('"size" is the number of bytes, at least 1.');
  if (typeof multipart !== "boolean") throw invalid('"multipart" is true or false.');
  if (size > MAX_OBJECT_BYTES) throw tooLarge("R2 takes no object of this size.");
  if (size > MAX_PUT_BYTES && !multipart)
    throw tooLarge('Too large for one request: ask with "multipart": true.');
  return { name, type, size, multipart };
}
// --8<-- [end:ask]

const invalid = (message: string) => new HttpError(400, "invalid_request", message);
const tooLarge = (message: string) => new HttpError(413, "file_too_large", message);
