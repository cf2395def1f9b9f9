// What these pages use of Material's behaviour, in a tenth of its size: colours, drawer, table of contents, and the search, which is
// fetched when somebody reaches for it. Pages are complete without this file, and each feature works without the others.
(() => {
  const script = document.currentScript;
  const site = new URL("../", script.src);
  const file = (name) => new URL(name, script.src).href;
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // Its files come once; one that failed is asked for again.
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

  // What the address names. A fragment may be malformed, and then it names nothing.
  function target() {
    try {
      return document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return null;
    }
  }

  const features = {
    // Light, dark, or the system's. Where storage is denied, the choice holds for this page.
    colours() {
      const inputs = all("[data-md-component=palette] input");
      const dark = matchMedia("(prefers-color-scheme: dark)");
      const current = () => inputs.find((input) => input.checked) ?? inputs[0];
      function chosen() {
        try {
          return inputs.find((input) => input.dataset.mdColorMedia === __md_get("__palette").color.media);
        } catch {}
      }
      function paint() {
        const media = current().dataset.mdColorMedia;
        const isDark = media === "(prefers-color-scheme)" ? dark.matches : media.endsWith("dark)");
        document.body.dataset.mdColorScheme = isDark ? "slate" : "default";
        for (const input of inputs) input.nextElementSibling.hidden = input !== current();
      }
      function restore() {
        (chosen() ?? current()).checked = true;
        paint();
      }
      restore();
      // A page that comes back from the history may have been left with another choice.
      window.addEventListener("pageshow", restore);
      dark.addEventListener("change", paint);
      for (const [index, input] of inputs.entries()) {
        input.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          const next = input.nextElementSibling.control;
          next.click();
          next.focus();
        });
        input.addEventListener("change", () => {
          paint();
          try {
            __md_set("__palette", { index, color: { media: input.dataset.mdColorMedia } });
          } catch {}
        });
      }
    },

    // The drawer of small screens, also by keyboard.
    drawer() {
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
      one(".md-sidebar--primary").addEventListener("click", (event) => event.target.closest("a") && slide(false));
      document.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || !drawer.checked) return;
        slide(false);
        opener.focus();
      });
    },

    // Its files come when the button takes the focus or the pointer; what is typed before the dialog stands there goes into it.
    search() {
      const button = one(".search-open");
      const status = document.createElement("p");
      status.className = "said";
      status.setAttribute("role", "status");
      document.body.append(status);
      const fetchAhead = () => Promise.allSettled([dialog(), data()]);
      let typed;
      function search() {
        typed ??= "";
        fetchAhead();
        dialog()
          .then(() => siteSearch.open(site, data(), typed))
          .catch(() => (status.textContent = "The search could not be loaded."))
          .finally(() => (typed = undefined));
      }
      button.addEventListener("focus", fetchAhead);
      button.addEventListener("pointerenter", fetchAhead);
      button.addEventListener("click", search);
      document.addEventListener("keydown", (event) => {
        if (
          event.ctrlKey ||
          event.metaKey ||
          event.altKey ||
          event.isComposing ||
          event.target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, dialog")
        )
          return;
        if (typed === undefined ? event.key !== "/" : event.key.length !== 1) return;
        event.preventDefault();
        if (typed === undefined) search();
        else typed += event.key;
      });
    },

    // On a page that was opened from the search, the words of the query are marked.
    marks() {
      let kept;
      try {
        kept = JSON.parse(sessionStorage.getItem("search"));
        sessionStorage.removeItem("search");
      } catch {}
      const [page, ...terms] = Array.isArray(kept) ? kept : [];
      if (page === location.pathname) dialog().then(() => siteSearch.mark(terms));
    },

    // The page's title in the header, once its heading has gone by.
    title() {
      const topic = one("[data-md-component=header-title]");
      const watcher = new IntersectionObserver(
        ([{ isIntersecting, boundingClientRect }]) =>
          topic.classList.toggle("md-header__title--active", !isIntersecting && boundingClientRect.top < 0),
        { rootMargin: "-48px 0px 0px" },
      );
      for (const heading of all("article h1")) watcher.observe(heading);
    },

    // The section that is read, in the table of contents.
    contents() {
      const links = new Map();
      for (const link of all(".md-sidebar--secondary .md-nav__link[href^='#']")) {
        links.set(decodeURIComponent(link.hash.slice(1)), link);
      }
      const passed = new Set();
      // Whatever lies above the upper quarter of the window counts as passed, however far a jump went.
      const watcher = new IntersectionObserver(
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
      for (const id of links.keys()) document.getElementById(id) && watcher.observe(document.getElementById(id));
    },

    // A link may lead into something that is closed.
    closed() {
      function reveal() {
        for (let box = target()?.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
      }
      window.addEventListener("hashchange", reveal);
      reveal();
    },
  };

  document.documentElement.classList.replace("no-js", "js");
  for (const [name, start] of Object.entries(features)) {
    try {
      start();
    } catch (error) {
      console.error(name, error);
    }
  }
})();
