export interface Order {
  seq: number;
  id: string;
  owner: string;
  reference: string;
  amountCents: number;
  status: "open" | "expired";
  createdAt: number;
}

const MAX_AMOUNT_CENTS = 100_000_000;

export type Problem = { problem: "invalid" | "conflict"; why: string };

const invalid = (why: string): Problem => ({ problem: "invalid", why });

/** Check what a caller sent; the first thing wrong with it comes back in words. */
export function parseOrder(
  json: string,
): { reference: string; amountCents: number } | Problem {
  const input = parsed(json);
  if (typeof input !== "object" || input === null || Array.isArray(input))
    return invalid("send a JSON object");
  const { reference, amountCents, ...unknown } = input as Record<string, unknown>;
  const [extra] = Object.keys(unknown);
  if (extra !== undefined)
    return invalid(`unknown field ${JSON.stringify([...extra].slice(0, 40).join(""))}`);
  if (typeof reference !== "string" || !/^[A-Za-z0-9._-]{1,64}$/.test(reference)) {
    return invalid("reference is 1 to 64 characters of A-Z a-z 0-9 . _ -");
  }
  if (
    typeof amountCents !== "number" ||
    !Number.isInteger(amountCents) ||
    amountCents < 1 ||
    amountCents > MAX_AMOUNT_CENTS
  ) {
    return invalid(`amountCents is a whole number from 1 to ${MAX_AMOUNT_CENTS}`);
  }
  return { reference, amountCents };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
