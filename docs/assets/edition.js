// The choice of an edition: the link to the list of editions becomes a menu that stays on the same page where it can.

export function start(link) {
  const root = new URL("..", link.href);
  const [current] = location.pathname.slice(root.pathname.length).split("/");

  async function open(edition) {
    const rest = location.pathname.slice(root.pathname.length + current.length + 1);
    const page = new URL(`${edition}/${rest}`, root);
    const there = await fetch(page, { method: "HEAD" }).then(
      (answer) => answer.ok,
      () => false,
    );
    location.assign(there ? page : new URL(`${edition}/`, root));
  }

  link.addEventListener("click", async (event) => {
    event.preventDefault();
    const editions = await fetch(new URL("versions.json", root))
      .then((answer) => answer.json())
      .catch(() => null);
    if (!Array.isArray(editions)) return location.assign(link.href);
    const select = document.createElement("select");
    select.setAttribute("aria-label", "Edition");
    for (const { version, aliases } of editions) {
      const newest = aliases.includes("latest");
      const value = newest ? "latest" : version;
      select.append(
        new Option(newest ? `${version} (latest)` : version, value, false, current === value || current === version),
      );
    }
    select.addEventListener("change", () => open(select.value));
    link.replaceWith(select);
    select.focus();
  });
}
