// --8<-- [start:chunks]
// \n comes first: in front of it, some engines try the lookbehind at every letter.
const BLOCKS = /\n{2,}|\n(?=#)|\n(?<=^#.*\n)/m;
/** A longer line is text, whatever it begins with. */
const HEADING = /^(#{1,6}) +(.{1,100})$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/gm;

const CHARACTERS = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Cuts Markdown at headings and paragraphs. Each chunk starts with the headings above it,
 *  because "within 30 days" alone says nothing to a model. */
export function cut(document: string, mostCharacters: number): string[] {
  const chunks: string[] = [];
  const headings: string[] = [];
  let text = "";
  // The last heading, as long as nothing stands below it.
  let bare = false;
  let fence = "";
  const flush = () => {
    const path = headings.filter(Boolean).join(" > ");
    if (text || bare) chunks.push(`${path}\n${text}`.trim());
    text = "";
    bare = false;
  };
  for (const block of document.replaceAll("\r\n", "\n").split(BLOCKS)) {
    const heading = fence ? null : HEADING.exec(block.trim());
    if (heading) {
      const level = heading[1]?.length ?? 1;
      bare &&= level <= headings.length;
      flush();
      headings.length = level;
      headings[level - 1] = heading[2] ?? "";
      bare = true;
      continue;
    }
    for (const part of fit(block.trim(), mostCharacters)) {
      if (text.length + part.length > mostCharacters) flush();
      text += (text && "\n") + part;
      bare = false;
    }
    // What opened a fence closes it: "# install" inside is code and no heading.
    for (const [, mark = ""] of block.matchAll(FENCE))
      fence = fence ? (mark.startsWith(fence) ? "" : fence) : mark;
  }
  flush();
  return chunks;
}

/** A paragraph that is too long breaks after a sentence, or where it must. */
function fit(paragraph: string, most: number): string[] {
  const parts: string[] = [];
  for (let rest = paragraph; rest; ) {
    if (rest.length <= most) return [...parts, rest];
    const ends = [". ", "! ", "? ", ".\n"].map((end) => rest.lastIndexOf(end, most - 1));
    const end = Math.max(...ends);
    const at = end > most / 2 ? end + 1 : between(rest, most);
    parts.push(rest.slice(0, at).trim());
    rest = rest.slice(at).trim();
  }
  return parts;
}

/** The last place up to `most` between two characters as a reader sees them. Only what is
 *  longer than a whole part, such as a letter with a thousand accents, is cut: then
 *  between two code points. */
function between(text: string, most: number): number {
  const around = CHARACTERS.segment(text.slice(0, most + 2)).containing(most);
  if (around?.index) return around.index;
  const inside = /^[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(most - 1, most + 1));
  if (!inside) return most;
  return most > 1 ? most - 1 : 2;
}
// --8<-- [end:chunks]
