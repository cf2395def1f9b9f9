// --8<-- [start:citations]
// A number in brackets, however they look, and no letter, colon, percent or currency sign.
const OPEN = String.raw`\[［﹇【〔〖〘〚⟦⟬❲⁅`;
const CLOSE = String.raw`\]］﹈】〕〗〙〛⟧⟭❳⁆`;
const OTHER = String.raw`\p{L}\p{Sc}:%${CLOSE}`;
const MARKER = new RegExp(
  String.raw`[${OPEN}][^\p{N}${OPEN}${OTHER}]*\p{N}[^${OPEN}${OTHER}]*[${CLOSE}]`,
  "gu",
);
const UNFINISHED = new RegExp(`[${OPEN}][^${OTHER}]*$`, "u");

/** Lets a marker like [2] pass only if passage 2 was retrieved. What may still become a
 *  marker is held back until it is one or cannot be one. */
export class Citations {
  readonly cited = new Set<number>();
  readonly unknown = new Set<string>();
  #held = "";

  constructor(private readonly count: number) {}

  push(text: string): string {
    let all = this.#held + text;
    // Without its [99], [[99]3] is a marker: they are taken out until none is left.
    for (let before = ""; before !== all; ) {
      before = all;
      all = all.replace(MARKER, (marker) => this.#known(marker));
    }
    this.#held = UNFINISHED.exec(all)?.[0] ?? "";
    return all.slice(0, all.length - this.#held.length);
  }

  #known(marker: string): string {
    const numbers = marker.match(/\p{N}+/gu) ?? [];
    const known = numbers.filter((text) => {
      const n = Number(text);
      const is = String(n) === text && n >= 1 && n <= this.count;
      if (is) this.cited.add(n);
      // It goes into the log, where no more of a text belongs.
      else this.unknown.add(text.slice(0, 3));
      return is;
    });
    return known.map((n) => `[${n}]`).join("");
  }
}
// --8<-- [end:citations]
