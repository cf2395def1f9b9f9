import { HttpError } from "./http";

const SKU = /^[A-Z0-9-]{1,40}$/;
const KEY = /^[A-Za-z0-9_-]{16,64}$/;
const MOST_ITEMS = 20;
const MOST_OF_ONE = 100;
const LONGEST_NAME = 100;
// PostgreSQL refuses the zero byte, and no name holds another control character or a line end.
// Half a character (Cs) would come back as another one.
const NAME = new RegExp(`^[^\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}]{1,${LONGEST_NAME}}$`, "u");

export type Item = { sku: string; quantity: number };
export type NewOrder = { customer: string; items: Item[] };

export function parseKey(request: Request): string {
  const key = request.headers.get("Idempotency-Key") ?? "";
  if (KEY.test(key)) return key;
  const message = "Send an Idempotency-Key of 16 to 64 letters, digits, - and _.";
  throw new HttpError(400, "invalid_idempotency_key", message);
}

export function parseOrder(text: string): NewOrder {
  const { customer, items, ...others } = record(parseJson(text), "An order");
  refuseOthers(others, "An order");
  if (typeof customer !== "string" || !NAME.test(customer)) {
    throw invalid(`"customer" must be a text of 1 to ${LONGEST_NAME} characters.`);
  }
  if (!Array.isArray(items) || items.length < 1 || items.length > MOST_ITEMS) {
    throw invalid(`"items" must be a list of 1 to ${MOST_ITEMS} items.`);
  }
  const parsed = items.map(parseItem);
  if (new Set(parsed.map((item) => item.sku)).size < parsed.length) {
    throw invalid("Each SKU stands in an order once.");
  }
  return { customer, items: parsed };
}

function parseItem(value: unknown): Item {
  const { sku, quantity, ...others } = record(value, "An item");
  refuseOthers(others, "An item");
  if (typeof sku !== "string" || !SKU.test(sku)) {
    throw invalid('"sku" has 1 to 40 of A-Z, 0-9 and dash.');
  }
  const whole = typeof quantity === "number" && Number.isInteger(quantity);
  if (!whole || quantity < 1 || quantity > MOST_OF_ONE) {
    throw invalid(`"quantity" must be a whole number from 1 to ${MOST_OF_ONE}.`);
  }
  return { sku, quantity };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, "invalid_json", "The body is not JSON in UTF-8.");
  }
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return { ...value };
  }
  throw invalid(`${what} is a JSON object.`);
}

function refuseOthers(others: Record<string, unknown>, what: string): void {
  const [name] = Object.keys(others);
  if (name === undefined) return;
  const start = [...name].slice(0, 40).join("");
  throw invalid(`${what} has no field ${JSON.stringify(start)}.`);
}

function invalid(message: string): HttpError {
  return new HttpError(400, "invalid_order", message);
}
