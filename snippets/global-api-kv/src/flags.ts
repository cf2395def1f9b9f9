import { HttpError } from "./http";

export type Flag = { enabled: boolean; rollout: number; note?: string };

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const MOST_NAMES = 100;
const MOST_NOTE_CHARACTERS = 200;

// --8<-- [start:schema]
export function parseFlag(value: unknown): Flag {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("A flag is a JSON object.");
  const { enabled, rollout = 100, note, ...others } = value as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw invalid(
      `A flag has no field ${JSON.stringify([...unknown].slice(0, 40).join(""))}.`,
    );
  if (typeof enabled !== "boolean") throw invalid('"enabled" must be true or false.');
  if (
    typeof rollout !== "number" ||
    !Number.isInteger(rollout) ||
    rollout < 0 ||
    rollout > 100
  ) {
    throw invalid('"rollout" must be a whole number from 0 to 100.');
  }
  if (note === undefined) return { enabled, rollout };
  if (typeof note !== "string" || note.length > MOST_NOTE_CHARACTERS) {
    throw invalid(`"note" must be a text of at most ${MOST_NOTE_CHARACTERS} characters.`);
  }
  return { enabled, rollout, note };
}
// --8<-- [end:schema]

export function parseName(raw: string): string {
  let name = raw;
  try {
    name = decodeURIComponent(raw);
  } catch {
    // What cannot be decoded still holds a "%" and fails below.
  }
  if (NAME.test(name)) return name;
  throw new HttpError(
    400,
    "invalid_name",
    "A name has 1 to 64 of a-z, 0-9, dot, dash and underscore, and starts with a letter or a digit.",
  );
}

export function parseNames(list: string | null): string[] {
  const names = [...new Set(list?.split(",").map(parseName))];
  if (names.length > 0 && names.length <= MOST_NAMES) return names;
  throw new HttpError(
    400,
    "invalid_names",
    `Give 1 to ${MOST_NAMES} names: ?names=first,second.`,
  );
}

function invalid(message: string): HttpError {
  return new HttpError(400, "invalid_flag", message);
}
