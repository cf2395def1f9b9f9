import { DatabaseError } from "pg";
import { HttpError } from "./http";

export class Unreachable extends Error {}
export class TooLate extends Error {}

// --8<-- [start:faults]
type Fault = readonly [code: string, message: string, retryAfterS: number];

const DOWN: Fault = ["database_unavailable", "The database does not answer.", 5];
const SLOW: Fault = ["database_too_slow", "The database took too long.", 2];
const BUSY: Fault = ["database_busy", "The database is busy.", 1];

// By SQLSTATE, or by its class: the first two characters.
const FAULTS: Record<string, Fault> = {
  "08": DOWN, // the connection broke
  "25006": DOWN, // read-only: a failover is under way
  "25P03": DOWN, // the server ended an idle transaction
  "40001": BUSY, // serialization failure, after our retries
  "40P01": BUSY, // deadlock, after our retries
  "53": BUSY, // connections, memory or disk are used up
  "55P03": BUSY, // lock_timeout
  "57014": SLOW, // statement_timeout
  "57P": DOWN, // shutting down, crashed, starting
  "58000": DOWN, // Hyperdrive: no connection from its pool, or none to the database
};

/** The one place where a failure of the database becomes an answer. */
export function faultOf(error: unknown): HttpError | undefined {
  const fault = find(error);
  if (fault === undefined) return undefined;
  const [code, message, retryAfterS] = fault;
  return new HttpError(503, code, message, { "Retry-After": `${retryAfterS}` });
}

function find(error: unknown): Fault | undefined {
  if (error instanceof Unreachable) return DOWN;
  if (error instanceof TooLate) return SLOW;
  const state = stateOf(error);
  return FAULTS[state] ?? FAULTS[state.slice(0, 3)] ?? FAULTS[state.slice(0, 2)];
}

export function stateOf(error: unknown): string {
  return error instanceof DatabaseError ? (error.code ?? "") : "";
}
// --8<-- [end:faults]
