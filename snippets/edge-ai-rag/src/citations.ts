// --8<-- [start:citations]
// What Unicode calls opening and closing. Round and curly brackets and quotation marks pass;
// every other one, however it looks, leaves as part of a marker or not at all.
const OPEN = /^[[\p{Ps}\u23A1-\u23A3]--[\(\{‚„〈《「『〝]]$/v;
const CLOSE = /^[[\p{Pe}\u23A4-\u23A6]--[\)\}〉》」』〞〟]]$/v;
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;
/** What is longer stands in no marker: nobody waits for a bracket that is never closed. */
const MOST_CHARACTERS = 64;

/** Lets a marker like [2] pass only if passage 2 was retrieved. Text in brackets is held back
 *  until they close, so that no marker arrives in halves. */
export class Citations {
  readonly cited = new Set<number>();
  readonly unknown = new Set<string>();
  #depth = 0;
  #held = "";
  #innermost = true;

  constructor(private readonly count: number) {}

  push(text: string): string {
    let shown = "";
    for (const character of text) {
      const plain = character.normalize("NFKC");
      if (OPEN.test(plain)) {
        shown += this.end();
        this.#depth += 1;
        this.#innermost = true;
      } else if (CLOSE.test(plain)) {
        // Around a marker stands no other: [[1]7] is [1].
        shown += this.#depth > 0 && this.#innermost ? this.#markers() : this.end();
        this.#depth = Math.max(this.#depth - 1, 0);
        this.#held = "";
        this.#innermost = false;
      } else if (this.#depth === 0) shown += character;
      else this.#held += character;
      if (this.#held.length > MOST_CHARACTERS) {
        shown += this.#held;
        this.#held = "";
        this.#depth = 0;
      }
    }
    return shown;
  }

  /** What is held back and is no part of a marker: a bracket may never be closed. */
  end(): string {
    // Only bare digits may be half a marker.
    const words = /[\p{L}\p{Sc}%)}]/u.test(this.#held) ? this.#held : "";
    this.#held = "";
    return words;
  }

  #markers(): string {
    const parts = this.#held.normalize("NFKC").replace(INVISIBLE, "").split(",");
    const known = parts.flatMap((part) => {
      const n = Number(part);
      if (/^ *[1-9]\d* *$/.test(part) && n <= this.count) return n;
      // It goes into the log, where no more of a text belongs.
      const [number] = /\p{N}{1,3}/u.exec(part) ?? [];
      if (number) this.unknown.add(number);
      return [];
    });
    for (const n of known) this.cited.add(n);
    return known.map((n) => `[${n}]`).join("");
  }
}
// --8<-- [end:citations]
