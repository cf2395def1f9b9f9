/** What a member may send, besides the text "ping". */
export type Frame =
  | { type: "send"; key: string; text: string }
  | { type: "resume"; since: number }
  | { type: "check"; value: string };

const FRAME_LIMIT_BYTES = 8192;
const MOST_CHARACTERS = 1000;
const KEY = /^[A-Za-z0-9_-]{1,64}$/;

/** A frame that is refused; the connection goes on. */
export class FrameError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly more: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}

export function isTooLarge(frame: string): boolean {
  return frame.length > FRAME_LIMIT_BYTES || byteLength(frame) > FRAME_LIMIT_BYTES;
}

// --8<-- [start:parse]
export function parseFrame(data: string): Frame {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw new FrameError("invalid_json", "A frame is JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("A frame is a JSON object.");
  const { type, ...fields } = value as Record<string, unknown>;
  if (type === "send") return parseSend(fields);
  if (type === "resume" && only(fields, "since") && isId(fields.since))
    return { type, since: fields.since };
  if (type === "check" && only(fields, "value") && typeof fields.value === "string")
    return { type, value: fields.value };
  throw invalid('A frame is of type "send", "resume" or "check", with its own fields.');
}

/** There is no field for the sender: who speaks is known from the token. */
function parseSend({ key, text, ...others }: Record<string, unknown>): Frame {
  if (Object.keys(others).length > 0) throw invalid('"send" has only "key" and "text".');
  if (typeof key !== "string" || !KEY.test(key))
    throw invalid('"key" has 1 to 64 letters, digits, dashes and underscores.');
  // Half a character (a lone surrogate) would come back from the database as another one.
  if (typeof text !== "string" || text.trim() === "" || !text.isWellFormed())
    throw invalid('"text" must be a text that is not empty.', key);
  if (text.length > MOST_CHARACTERS)
    throw invalid(`"text" has at most ${MOST_CHARACTERS} characters.`, key);
  return { type: "send", key, text };
}
// --8<-- [end:parse]

function only(fields: Record<string, unknown>, name: string): boolean {
  return Object.keys(fields).join() === name;
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function invalid(message: string, key?: string): FrameError {
  return new FrameError("invalid_frame", message, { key });
}
