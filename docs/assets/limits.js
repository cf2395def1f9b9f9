// Find and sort the facts of the reference page. Without this file the tables stand there whole.

const collator = new Intl.Collator("en", { numeric: true });

/** Show the rows that hold every word, hide products without such a row, and return how many rows are left. */
export function find(tables, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const { table, heading, name } of tables) {
    let here = 0;
    for (const row of table.tBodies[0].rows) {
      const text = `${name} ${row.textContent}`.toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word));
      here += !row.hidden;
    }
    const box = table.closest(".md-typeset__scrollwrap") ?? table;
    box.hidden = heading.hidden = here === 0;
    left += here;
  }
  return left;
}

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.ariaSort === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.ariaSort = down ? "descending" : "ascending";
      const text = (row) => row.cells[column].textContent;
      const rows = [...table.tBodies[0].rows].sort((a, b) => collator.compare(text(a), text(b)) * (down ? -1 : 1));
      table.tBodies[0].append(...rows);
    });
  });
}

export function start(element) {
  const input = element.querySelector("input");
  const said = element.querySelector("[role=status]");
  const explanation = said.textContent;
  const tables = [...document.querySelectorAll("article h2[id]")].flatMap((heading) => {
    const next = heading.nextElementSibling;
    const table = next?.matches("table") ? next : next?.querySelector("table");
    return table ? [{ table, heading, name: heading.textContent }] : [];
  });
  // Table by table, when the browser has nothing else to do: all at once would lay out the whole page a second time.
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 20));
  const waiting = tables.map(({ table }) => table);
  function next() {
    if (waiting.length === 0) return;
    sortable(waiting.shift());
    idle(next);
  }

  function show() {
    const left = find(tables, input.value);
    said.textContent = input.value.trim() ? (left === 1 ? "1 fact found." : `${left} facts found.`) : explanation;
  }
  // "q" is the site search's own.
  input.addEventListener("input", () => {
    const address = new URL(location);
    input.value.trim() ? address.searchParams.set("find", input.value) : address.searchParams.delete("find");
    show();
    history.replaceState(null, "", address);
  });
  input.value = new URL(location).searchParams.get("find") ?? "";
  if (input.value) show();
  next();
}
