import type { Fields } from "./fields";
import { HttpError } from "./http";

export type Message = { name: string; email: string; message: string };

const EMAIL = /^[^\s@<>(),;:"]+@[^\s@<>(),;:"]+\.[^\s@<>(),;:"]+$/;
const CONTROL = /\p{Cc}/u;

// --8<-- [start:validate]
export function parseMessage(fields: Fields): Message {
  // Nobody sees this field, so only a program fills it in.
  if (fields.website) {
    const reason = "This looks like spam: the hidden field must stay empty.";
    throw new HttpError(422, "looks_like_spam", reason);
  }
  const name = tidy(fields.name);
  if (!within(name, 100) || CONTROL.test(name)) {
    throw invalid("name", "Give a name of at most 100 characters.");
  }
  const email = tidy(fields.email);
  if (!within(email, 254) || CONTROL.test(email) || !EMAIL.test(email)) {
    throw invalid("email", "Give an email address such as you@example.com.");
  }
  const message = tidy(fields.message);
  if (!within(message, 2000) || CONTROL.test(message.replace(/[\n\t]/g, ""))) {
    throw invalid("message", "Write a message of at most 2,000 characters.");
  }
  return { name, email, message };
}
// --8<-- [end:validate]

// Browsers send line ends as CR LF, scripts as LF: the same text must be the same message.
// Unicode has three more line ends, and some mail programs heed them.
function tidy(text = ""): string {
  return text.replace(/\r\n?|[\u0085\u2028\u2029]/g, "\n").trim();
}

function within(text: string, most: number): boolean {
  return text.length > 0 && text.length <= most && text.isWellFormed();
}

function invalid(field: keyof Message, message: string): HttpError {
  return new HttpError(422, `invalid_${field}`, message);
}
