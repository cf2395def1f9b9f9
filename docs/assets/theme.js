// What these pages use of Material's behaviour, in a tenth of its size: colours, drawer, table of contents, instant navigation,
// and the search, which is fetched when somebody reaches for it. Pages are complete without this file.
(() => {
  const script = document.currentScript;
  const here = script.src;
  const site = new URL("../", here);
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  document.documentElement.classList.replace("no-js", "js");

  // Others subscribe to be called now and after every instant navigation.
  const listeners = [];
  const called = (listener) => listener(document);
  window.document$ = {
    subscribe(listener) {
      listeners.push(listener);
      called(listener);
    },
  };

  // Colours: light, dark, or the system's.
  const inputs = all("[data-md-component=palette] input");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const current = () => inputs.find((input) => input.checked) ?? inputs[0];
  function paint() {
    const media = current().dataset.mdColorMedia;
    const isDark = media === "(prefers-color-scheme)" ? dark.matches : media.endsWith("dark)");
    document.body.dataset.mdColorScheme = isDark ? "slate" : "default";
    for (const input of inputs) input.nextElementSibling.hidden = input !== current();
  }
  (inputs[window.__md_get?.("__palette")?.index] ?? inputs[0]).checked = true;
  paint();
  dark.addEventListener("change", paint);
  for (const [index, input] of inputs.entries()) {
    input.addEventListener("change", () => {
      paint();
      __md_set("__palette", { index, color: { media: input.dataset.mdColorMedia } });
    });
  }

  // The drawer of small screens, also by keyboard.
  const drawer = one("#__drawer");
  const opener = one(".drawer-open");
  const told = () => (opener.ariaExpanded = String(drawer.checked));
  function slide(open) {
    drawer.checked = open;
    told();
    if (open) one(".md-sidebar--primary a").focus();
  }
  told();
  drawer.addEventListener("change", told);
  opener.addEventListener("click", () => slide(!drawer.checked));

  // The search: its files come when the button takes the focus or the pointer.
  const button = one(".search-open");
  const coming = {};
  function once(name, attributes) {
    const { href, src } = attributes;
    coming[href ?? src] ??= new Promise((done, failed) => {
      const element = document.createElement(name);
      document.head.append(Object.assign(element, attributes, { onload: done, onerror: failed }));
    }).catch((error) => {
      delete coming[href ?? src];
      throw error;
    });
    return coming[href ?? src];
  }
  const file = (name) => new URL(name, here).href;
  const dialog = () =>
    Promise.all([
      once("link", { rel: "stylesheet", href: file("search.css") }),
      once("script", { src: file("search.js") }),
    ]);
  const data = () =>
    Promise.all([
      once("script", { src: file("vendor/minisearch.js") }),
      once("script", { src: new URL("search/index.js", site).href }),
    ]);
  const fetchAhead = () => Promise.allSettled([dialog(), data()]);

  // What is typed before the dialog stands there goes into it.
  let typed;
  function search() {
    typed ??= "";
    fetchAhead();
    dialog().then(
      () => {
        siteSearch.open(site, data(), typed);
        typed = undefined;
      },
      () => {
        say("The search could not be loaded.");
        typed = undefined;
      },
    );
  }
  button.addEventListener("focus", fetchAhead);
  button.addEventListener("pointerenter", fetchAhead);
  button.addEventListener("click", search);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && drawer.checked) {
      slide(false);
      opener.focus();
    }
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, dialog")
    )
      return;
    if (typed === undefined ? event.key !== "/" : event.key.length !== 1) return;
    event.preventDefault();
    if (typed === undefined) search();
    else typed += event.key;
  });

  const status = document.createElement("p");
  status.className = "said";
  status.setAttribute("role", "status");
  document.body.append(status);
  const say = (text) => (status.textContent = text);

  // Where the reader stands: the page's title in the header, the section in the table of contents.
  let watchers = [];
  function watch() {
    for (const watcher of watchers) watcher.disconnect();
    const title = one("article h1");
    const links = new Map(
      all(".md-sidebar--secondary .md-nav__link[href^='#']").map((a) => [decodeURIComponent(a.hash.slice(1)), a]),
    );
    const passed = new Set();
    const header = new IntersectionObserver(
      ([entry]) => {
        one("[data-md-component=header-title]").classList.toggle(
          "md-header__title--active",
          !entry.isIntersecting && entry.boundingClientRect.top < 0,
        );
      },
      { rootMargin: "-48px 0px 0px" },
    );
    // Whatever lies above the upper quarter of the window counts as passed, however far a jump went.
    const sections = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) passed[isIntersecting ? "add" : "delete"](target.id);
        const last = [...links.keys()].filter((id) => passed.has(id)).pop();
        for (const [id, link] of links) {
          link.classList.toggle("md-nav__link--passed", passed.has(id));
          link.classList.toggle("md-nav__link--active", id === last);
        }
      },
      { rootMargin: "1000000px 0px -75%" },
    );
    if (title) header.observe(title);
    for (const id of links.keys()) document.getElementById(id) && sections.observe(document.getElementById(id));
    watchers = [header, sections];
  }

  // A link may lead into something that is closed.
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let box = target?.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    return target;
  }
  window.addEventListener("hashchange", reveal);

  document$.subscribe(watch);
  document$.subscribe(reveal);

  if (!location.protocol.startsWith("http") || !document.querySelector("[data-md-component=container]")) return;

  // Instant navigation: fetch the next page, put its parts in place of these. Whatever is odd is left to the browser.
  const PARTS = ["skip", "announce", "outdated", "logo", "header-topic", "container"].map(
    (name) => `[data-md-component=${name}]`,
  );
  const HEAD = "title, meta:is([name], [property]), link:not([rel=stylesheet], [rel=preload], [rel=icon])";
  const PREFETCH_AFTER_MS = 65;
  const files = (from, base) =>
    all("script[src], link[rel=stylesheet]", from).map(
      (e) => new URL(e.getAttribute("src") ?? e.getAttribute("href"), base).href,
    );
  const known = new Set(files(document, location));
  const ready = new Map();
  let shown = new URL(location);
  let turn = 0;

  const isPage = (url) =>
    url.origin === site.origin && url.pathname.startsWith(site.pathname) && /\/$|\.html$/.test(url.pathname);
  const address = (url) => url.pathname + url.search;

  function target(event) {
    const link = event.target.closest?.("a[href]");
    if (
      !link ||
      link.target ||
      link.hasAttribute("download") ||
      event.ctrlKey ||
      event.metaKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    // A link in a drawing has an object as its address.
    const url = new URL(link.href.baseVal ?? link.href, location);
    if (isPage(url) && address(url) !== address(shown)) return url;
  }

  function get(url) {
    const asked = address(url);
    if (!ready.has(asked)) {
      const answer = fetch(asked).then(async (response) => {
        const type = response.headers.get("Content-Type") ?? "";
        if (!response.ok || !type.startsWith("text/html") || !isPage(new URL(response.url))) throw new Error(asked);
        return {
          url: new URL(response.url),
          page: new DOMParser().parseFromString(await response.text(), "text/html"),
        };
      });
      ready.set(asked, answer);
      answer.catch(() => ready.delete(asked));
    }
    return ready.get(asked);
  }

  function put(page, url) {
    for (const element of all(HEAD, document.head)) element.remove();
    document.head.append(...all(HEAD, page.head));
    for (const part of PARTS) {
      const [old, fresh] = [one(part), one(part, page)];
      if (old && fresh) old.replaceWith(document.adoptNode(fresh));
    }
    shown = new URL(url);
  }

  // `y` is where a reader was who comes back.
  async function go(url, push, y) {
    const mine = ++turn;
    let found;
    try {
      found = await get(url);
    } catch {
      if (mine === turn) push ? location.assign(url) : location.reload();
      return;
    }
    if (mine !== turn) return;
    ready.clear();
    const goal = new URL(found.url);
    goal.hash = url.hash;
    if (
      !PARTS.slice(-1).every((part) => one(part, found.page)) ||
      files(found.page, found.url).some((file) => !known.has(file))
    ) {
      push ? location.assign(goal) : location.reload();
      return;
    }
    if (push) history.pushState({ y: 0 }, "", address(goal));
    drawer.checked && slide(false);
    put(found.page, goal);
    listeners.forEach(called);
    if (push && goal.hash) location.replace(goal);
    else scrollTo({ top: y ?? 0, behavior: "instant" });
    const title = (push && goal.hash && reveal()) || one("article h1");
    if (title) {
      if (!title.matches("a, button, input")) title.tabIndex = -1;
      title.focus({ preventScroll: true });
    }
    say(document.title);
  }

  document.addEventListener("click", (event) => {
    const url = event.button === 0 && !event.defaultPrevented && target(event);
    if (!url) return;
    event.preventDefault();
    keep();
    go(url, true);
  });

  // What the pointer rests on is likely the next page.
  let timer;
  document.addEventListener("pointerover", (event) => {
    clearTimeout(timer);
    const url = !navigator.connection?.saveData && target(event);
    if (url) timer = setTimeout(() => get(url).catch(() => {}), PREFETCH_AFTER_MS);
  });

  // Where the reader is on each page of the history.
  let waiting;
  function keep() {
    clearTimeout(waiting);
    history.replaceState({ ...history.state, y: scrollY }, "");
  }
  history.scrollRestoration = "manual";
  if (history.state?.y) scrollTo({ top: history.state.y, behavior: "instant" });
  window.addEventListener(
    "scroll",
    () => {
      clearTimeout(waiting);
      waiting = setTimeout(keep, 120);
    },
    { passive: true },
  );
  window.addEventListener("popstate", () => {
    clearTimeout(waiting);
    if (location.pathname !== shown.pathname) return go(new URL(location), false, history.state?.y);
    shown = new URL(location);
    if (history.state?.y !== undefined) scrollTo({ top: history.state.y, behavior: "instant" });
  });
})();
