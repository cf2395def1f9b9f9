// The filter of patterns/: site.js loads this file only where it stands. The choice lives in the address.

export function start(form) {
  const rows = [...document.querySelectorAll(".overview tbody tr")];
  const status = form.querySelector("[role=status]");
  const has = (text, value) => value === "" || text.split(" ").includes(value);

  function show() {
    const { service, need } = form.elements;
    for (const row of rows)
      row.hidden = !(has(row.dataset.services, service.value) && has(row.dataset.needs, need.value));
    const count = rows.filter((row) => !row.hidden).length;
    status.textContent =
      count === 1 ? "1 pattern" : count ? `${count} patterns` : "No pattern has both. Take one choice back.";
  }

  function fromAddress() {
    const parameters = new URLSearchParams(location.search);
    for (const select of [form.elements.service, form.elements.need]) {
      const value = parameters.get(select.name) ?? "";
      select.value = [...select.options].some((option) => option.value === value) ? value : "";
    }
    show();
  }

  form.addEventListener("change", () => {
    const parameters = new URLSearchParams(location.search);
    for (const { name, value } of [form.elements.service, form.elements.need]) {
      if (value) parameters.set(name, value);
      else parameters.delete(name);
    }
    show();
    const text = parameters.toString();
    history.replaceState(null, "", `${location.pathname}${text && `?${text}`}${location.hash}`);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("popstate", fromAddress);
  fromAddress();
}
