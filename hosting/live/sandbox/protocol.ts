/** A request as an example's handler takes it. */
export type Incoming = Request<unknown, IncomingRequestCfProperties>;

/** One request to an example, as plain data: it becomes a `Request` only inside the sandbox, and never HTTP. */
export type Call = {
  requestId: string;
  method: string;
  url: string;
  headers: string[][];
  body: string;
};

export type Answer = {
  status: number;
  headers: string[][];
  body: string;
  truncated: boolean;
  ms: number;
};

export type Refusal = { status: number; code: string; message: string; retryAfterS?: number };

/** `new`: the sandbox is empty and wants to be admitted first. */
export type Outcome = { answer: Answer } | { refused: Refusal } | { new: true };

/** What `live` may ask of a hosted example. */
export interface HostedExample {
  call(visitor: string, call: Call, admitted: boolean): Promise<Outcome>;
  forget(visitor: string): Promise<void>;
}
