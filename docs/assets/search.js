// The search: MiniSearch over search/index.js, and the dialog that shows what it found. theme.js loads all of it on first use.
window.siteSearch = (() => {
  const SMALL = new Set(
    "a an and are as at be by can do does for from get has have how i if in into is it its me my of on one or our should so some than that the their them then there these they this to use using via want was we what when where which who why will with would you your".split(
      " ",
    ),
  );
  const SHOWN_PAGES = 40;
  const SHOWN_SECTIONS = 3;
  const EXCERPT_CHARACTERS = 150;
  // A pattern answers a question; a list of figures or words only mentions it.
  const WEIGHT = [
    [/^patterns\/./, 1.5],
    [/^guide\/(sources|whats-changed|glossary)/, 0.6],
    [/^reference\/limits/, 0.7],
    [/^services\/./, 0.9],
  ];
  const PAGE = { title: 8, names: 3, description: 4, headings: 2, text: 1, code: 0.5 };
  const SECTION = { heading: 4, text: 1, code: 0.5 };

  /** Return what many forms of a word have in common: "caching", "cached" and "caches" are all "cach". */
  function stem(word) {
    const term = word
      .toLowerCase()
      .normalize("NFKD")
      .replace(/[\u0300-\u036f]/g, "");
    if (term.length < 4) return term;
    const single = term.replace(/ies$/, "y").replace(/([^su])s$/, "$1");
    const root = single.replace(/(ing|ed)$/, "");
    return (root.length > 3 ? root : single).replace(/(.{3})e$/, "$1").replace(/([^l])\1$/, "$1");
  }

  const NAME = /_*[\p{L}\p{M}\p{N}]+(?:[-_]+[\p{L}\p{M}\p{N}]+)*/gu;

  /** Return the words of a name: "run_worker_first" has three and "waitUntil" two beside itself, "queues" is its own. */
  function words(name) {
    const parts = name
      .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
      .replace(/(\p{Lu})(\p{Lu}\p{Ll}{2})/gu, "$1 $2")
      .split(/[-_ ]+/)
      .filter((part) => part.length > 1 && part !== name);
    return [...parts, name];
  }

  /** Return the names of a text. What is indexed, asked and marked is split here and nowhere else. */
  const names = (text) => text.match(NAME) ?? [];
  const hits = (name, terms) => words(name).some((word) => terms.includes(stem(word)));

  // The last word may be typed in part. Only a word that stands nowhere, also in part, is taken for a misspelling.
  const known = new Set();
  const partial = (term, place, terms) => place === terms.length - 1 && term.length > 1;
  function slips(term, ...place) {
    if (known.has(term) || term.length < 4) return 0;
    if (partial(term, ...place) && [...known].some((word) => word.startsWith(term))) return 0;
    return term.length < 6 ? 1 : 2;
  }
  const index = (fields, pageOf) =>
    new MiniSearch({
      fields: Object.keys(fields),
      tokenize: (text) => names(text).flatMap(words),
      processTerm: (word) => {
        const term = stem(word);
        known.add(term);
        return term;
      },
      searchOptions: {
        processTerm: stem,
        boost: fields,
        fuzzy: slips,
        prefix: partial,
        weights: { fuzzy: 0.3, prefix: 0.3 },
        bm25: { k: 1.2, b: 0.6, d: 0.3 },
        boostDocument: (id) => WEIGHT.find(([pattern]) => pattern.test(entries[pageOf(id)].url))?.[1] ?? 1,
      },
    });

  let pages, parts, entries;
  const sections = [];

  let preparing;
  const prepare = (given) => (preparing ??= build(given));

  /** Build the index, in pieces that leave the page responsive. */
  async function build(given) {
    entries = Object.entries(given).map(([url, [title, description, names, content]]) => ({
      url,
      title,
      description,
      names,
      content,
    }));
    const all = index(PAGE, (id) => id);
    const each = index(SECTION, (id) => sections[id].page);
    for (const [page, { content }] of entries.entries()) {
      for (const [anchor, heading, text, code] of content)
        sections.push({ id: sections.length, page, anchor, heading, text, code });
    }
    const whole = entries.map(({ title, description, names, content }, id) => ({
      id,
      title,
      description,
      names,
      headings: content.map((s) => s[1]).join(" · "),
      text: content.map((s) => s[2]).join(" "),
      code: content.map((s) => s[3]).join(" "),
    }));
    await all.addAllAsync(whole, { chunkSize: 4 });
    await each.addAllAsync(sections, { chunkSize: 100 });
    [pages, parts] = [all, each];
  }

  /** Return the words of a query that are worth looking for: all of them if they are all small, and no part of a name that is known. */
  function wanted(query) {
    const all = names(query);
    const large = all.filter((name) => !SMALL.has(name.toLowerCase()));
    return (large.length ? large : all).flatMap((name) => (known.has(stem(name)) ? [name] : words(name)));
  }

  // Who finds every word of the question comes before who finds one of them often.
  const complete = (result, number) => result.score * (new Set(result.queryTerms).size / number) ** 2;
  const ranked = (engine, terms) =>
    engine
      .search(terms.join(" "), { tokenize: () => terms })
      .map((r) => ({ id: r.id, terms: r.terms, score: complete(r, new Set(terms.map(stem)).size) }))
      .sort((a, b) => b.score - a.score);

  /** Return the pages that answer a query, the best first, each with its best sections. */
  function find(query) {
    const terms = wanted(query);
    const stems = (text) => names(text).map(stem).join(" ");
    const called = (title) => stems(title) === stems(query);
    const within = new Map();
    for (const { id, terms: found, score } of ranked(parts, terms)) {
      const list = within.get(sections[id].page) ?? [];
      within.set(sections[id].page, list);
      if (list.length < SHOWN_SECTIONS) list.push({ ...sections[id], terms: found, score });
    }
    return ranked(pages, terms)
      .map(({ id, terms: found, score }) => ({
        ...entries[id],
        terms: found,
        score: (score + (within.get(id)?.[0]?.score ?? 0)) * (called(entries[id].title) ? 2 : 1),
        sections: within.get(id) ?? [],
      }))
      .sort((a, b) => b.score - a.score);
  }

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  /** Return a text as nodes, with the found words marked. */
  function marked(text, terms) {
    const found = names(text).map((name) => (hits(name, terms) ? element("mark", {}, name) : name));
    return text.split(NAME).flatMap((between, place) => [between, found[place] ?? ""]);
  }

  /** Return the piece of a text around the first found word. */
  function excerpt(text, terms) {
    let at = 0;
    for (const { 0: word, index } of text.matchAll(NAME)) {
      if (!hits(word, terms)) continue;
      at = index;
      break;
    }
    const start = at < 50 ? 0 : text.indexOf(" ", at - 40) + 1;
    const piece = text.slice(start, start + EXCERPT_CHARACTERS);
    const end = start + EXCERPT_CHARACTERS < text.length ? piece.lastIndexOf(" ") : piece.length;
    return marked(
      `${start ? "… " : ""}${piece.slice(0, end)}${end < piece.length || piece.length === EXCERPT_CHARACTERS ? " …" : ""}`,
      terms,
    );
  }

  let dialog, input, list, status, site;

  function option(url, anchor, title, text, terms, kind) {
    const href = new URL(url + (anchor && `#${anchor}`), site).href;
    const name = element("span", { class: "search__title" }, ...marked(title, terms));
    return element(
      "a",
      { role: "option", tabindex: -1, class: `search__option ${kind}`, href },
      name,
      element("span", {}, ...excerpt(text, terms)),
    );
  }

  function options({ url, title, description, terms, sections: best }) {
    const [first] = best;
    const lead = first && !first.anchor ? first.text : description;
    const below = best.filter((section) => section.anchor);
    return [
      option(url, "", title, lead, terms, "search__option--page"),
      ...below.map((s) => option(url, s.anchor, s.heading, s.text, s.terms, "search__option--section")),
    ];
  }

  function activate(next) {
    list.querySelector("[aria-selected=true]")?.removeAttribute("aria-selected");
    next?.setAttribute("aria-selected", "true");
    next?.scrollIntoView({ block: "nearest" });
    next ? input.setAttribute("aria-activedescendant", next.id) : input.removeAttribute("aria-activedescendant");
  }

  function show() {
    const query = input.value.trim();
    const found = query && pages ? find(query) : [];
    list.replaceChildren(...found.slice(0, SHOWN_PAGES).flatMap(options));
    for (const [place, item] of [...list.children].entries()) item.id = `search-option-${place}`;
    list.hidden = found.length === 0;
    list.scrollTop = 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    activate(list.firstElementChild);
    if (!query) status.textContent = "Type a product, a task or a question.";
    else if (!pages) status.textContent = "Loading the index …";
    else if (!found.length) status.textContent = "No page found. Try other words, or the list of all patterns.";
    else status.textContent = found.length === 1 ? "1 page found." : `${found.length} pages found.`;
  }

  function keys(event) {
    const active = list.querySelector("[aria-selected=true]");
    // Enter ends a composition, and arrows choose in it; Safari tells it by this code only.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const [step, edge] =
        event.key === "ArrowDown"
          ? ["nextElementSibling", "firstElementChild"]
          : ["previousElementSibling", "lastElementChild"];
      activate(active?.[step] ?? list[edge]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      active?.click();
    }
  }

  /** Mark these words in the article. */
  function mark(terms) {
    if (!window.CSS?.highlights) return;
    const ranges = [];
    const texts = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      for (const { 0: word, index } of texts.currentNode.data.matchAll(NAME)) {
        if (!hits(word, terms)) continue;
        const range = new Range();
        range.setStart(texts.currentNode, index);
        range.setEnd(texts.currentNode, index + word.length);
        ranges.push(range);
      }
    }
    CSS.highlights.set("search", new Highlight(...ranges));
  }

  // theme.js marks the words on the page that the reader chose; where storage is denied, it does not.
  function follow(link, terms) {
    if (link.hash && link.pathname + link.search === location.pathname + location.search) return mark(terms);
    try {
      sessionStorage.setItem("search", JSON.stringify([link.pathname, ...terms]));
    } catch {}
  }

  function make() {
    input = element("input", {
      type: "text",
      inputmode: "search",
      role: "combobox",
      "aria-label": "Search",
      "aria-expanded": "false",
      "aria-controls": "search-list",
      "aria-autocomplete": "list",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      enterkeyhint: "go",
      placeholder: "Search",
    });
    list = element("div", {
      role: "listbox",
      id: "search-list",
      "aria-label": "Pages found",
      class: "search__list",
      hidden: "",
    });
    status = element("p", { role: "status", class: "search__status" });
    const close = element("button", { type: "button" }, "Close");
    dialog = element(
      "dialog",
      { class: "search", "aria-label": "Search" },
      element("div", { class: "search__bar" }, input, close),
      status,
      list,
    );
    document.body.append(dialog);
    input.addEventListener("input", show);
    input.addEventListener("keydown", keys);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
      const link = event.target.closest("a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      follow(link, wanted(input.value).map(stem));
      dialog.close();
    });
  }

  /** Open the dialog. `root` is the address of the site, `data` is fulfilled when index and engine are there, `typed` comes before them. */
  function open(root, data, typed) {
    site = root;
    if (!dialog) make();
    if (!dialog.open) dialog.showModal();
    if (typed) input.value = typed;
    else input.select();
    show();
    data.then(() => prepare(searchIndex)).then(show, () => (status.textContent = "The search could not be loaded."));
  }

  return { open, prepare, find, mark };
})();
