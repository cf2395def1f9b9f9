const MARKER = /\[(\d{1,3})\]/g;
const UNFINISHED = /\[\d{0,3}$/;

// --8<-- [start:citations]
/** Lets a marker like [2] pass only if passage 2 was retrieved; holds back half a marker. */
export class Citations {
  readonly cited = new Set<number>();
  readonly unknown = new Set<number>();
  #held = "";

  constructor(private readonly count: number) {}

  push(text: string): string {
    const all = this.#held + text;
    this.#held = UNFINISHED.exec(all)?.[0] ?? "";
    return this.#check(all.slice(0, all.length - this.#held.length));
  }

  end(): string {
    const rest = this.#held;
    this.#held = "";
    return this.#check(rest);
  }

  #check(text: string): string {
    return text.replace(MARKER, (marker, digits: string) => {
      const n = Number(digits);
      const known = n >= 1 && n <= this.count;
      (known ? this.cited : this.unknown).add(n);
      return known ? marker : "";
    });
  }
}
// --8<-- [end:citations]
