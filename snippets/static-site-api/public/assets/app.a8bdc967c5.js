// One file, several addresses: show the part of the page that the address names.
const views = [...document.querySelectorAll("[data-path]")];
const unknown = document.querySelector("#unknown");
const robots = document.querySelector('meta[name="robots"]');

function show({ focus }) {
  const view = views.find(({ dataset }) => dataset.path === location.pathname) ?? unknown;
  for (const one of [...views, unknown]) one.hidden = one !== view;
  // The status is 200 for every service, so an unknown one must be kept out of search engines here.
  robots.content = view === unknown ? "noindex" : "all";
  const heading = view.querySelector("h1");
  document.title = `${heading.textContent} | Harbour Bikes`;
  if (focus) heading.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  if (link.origin !== location.origin) return;
  if (link.pathname !== "/" && !link.pathname.startsWith("/services/")) return;
  event.preventDefault();
  history.pushState(null, "", link.pathname);
  show({ focus: true });
});
addEventListener("popstate", () => show({ focus: true }));
show({ focus: false });
