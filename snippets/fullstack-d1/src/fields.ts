import { fieldsOf } from "./body";
import { HttpError } from "./http";

const EMAIL = /^[^\s@<>(),;:"]+@[^\s@<>(),;:"]+\.[^\s@<>(),;:"]+$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MOST_AT_ONCE = 20;

export type Account = { email: string; password: string };
export type NewTask = { id: string; title: string };
export type Change = { title: string | null; done: number | null };

export function parseAccount({ email, password }: Record<string, unknown>): Account {
  // ASCII letters only: toLowerCase() would make a k of the Kelvin sign, and so another address.
  const lower = (letters: string) => letters.toLowerCase();
  const address = typeof email === "string" ? email.trim().replace(/[A-Z]+/g, lower) : "";
  if (address.length > 254 || !EMAIL.test(address) || !clean(address)) {
    throw invalid("email", "Give an email address such as you@example.com.");
  }
  if (typeof password !== "string" || password.length < 12 || password.length > 128) {
    throw invalid("password", "A password has 12 to 128 characters.");
  }
  return { email: address, password };
}

export function parseNewTasks(value: unknown): NewTask[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MOST_AT_ONCE) {
    throw invalid("tasks", `Send 1 to ${MOST_AT_ONCE} tasks.`);
  }
  return value.map((task) => {
    const { id, title } = fieldsOf(task, ["id", "title"]);
    return { id: parseId(id), title: parseTitle(title) };
  });
}

export function parseChange({ title, done }: Record<string, unknown>): Change {
  if (title === undefined && done === undefined) {
    throw invalid("change", 'Send "title", "done" or both.');
  }
  if (done !== undefined && typeof done !== "boolean") {
    throw invalid("done", '"done" must be true or false.');
  }
  return {
    title: title === undefined ? null : parseTitle(title),
    done: done === undefined ? null : Number(done),
  };
}

export function parseId(id: unknown): string {
  if (typeof id === "string" && UUID.test(id)) return id;
  throw invalid("id", "An id is a UUID in lower case.");
}

function parseTitle(title: unknown): string {
  const text = typeof title === "string" ? title.trim() : "";
  // SQLite counts characters, JavaScript counts UTF-16 units.
  if (text.length > 0 && [...text].length <= 200 && clean(text)) return text;
  throw invalid("title", "A title is one line of 1 to 200 characters.");
}

function clean(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);
}

function invalid(field: string, message: string): HttpError {
  return new HttpError(422, `invalid_${field}`, message);
}
