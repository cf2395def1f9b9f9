// --8<-- [start:chunks]
/** Cuts Markdown at headings and paragraphs. Each chunk starts with the headings above it,
 *  because "within 30 days" alone says nothing to a model. */
export function cut(document: string, mostCharacters: number): string[] {
  const chunks: string[] = [];
  const headings: string[] = [];
  let text = "";
  const flush = () => {
    if (text) chunks.push([headings.filter(Boolean).join(" > "), text].join("\n").trim());
    text = "";
  };
  const lines = document.replaceAll("\r\n", "\n");
  for (const block of lines.split(/\n{2,}|\n(?=#)|(?<=^#.*)\n/m)) {
    const heading = /^(#{1,6}) +(.*)$/.exec(block.trim());
    if (heading) {
      flush();
      const level = heading[1]?.length ?? 1;
      headings.length = level;
      headings[level - 1] = (heading[2] ?? "").slice(0, 100);
      continue;
    }
    for (const part of fit(block.trim(), mostCharacters)) {
      if (text.length + part.length > mostCharacters) flush();
      text += (text && "\n") + part;
    }
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
    const at = end > most / 2 ? end + 1 : most;
    parts.push(rest.slice(0, at).trim());
    rest = rest.slice(at).trim();
  }
  return parts;
}
// --8<-- [end:chunks]
