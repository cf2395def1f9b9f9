// Small helpers: enlarge a diagram, copy its source, copy code.
// An element with data-module="x" gets x.js from this folder, which exports start(element).
(() => {
  const here = document.currentScript.src;
  const status = document.createElement("p");
  status.className = "md-visually-hidden";
  status.setAttribute("role", "status");
  status.style.cssText = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)";

  function say(label, words) {
    label.dataset.label ??= label.textContent;
    label.textContent = status.textContent = words;
    setTimeout(() => (label.textContent = label.dataset.label), 1500);
  }

  async function copy(button, text) {
    try {
      await navigator.clipboard.writeText(text);
      say(button, "Copied");
    } catch {
      say(button, "Copy failed");
    }
  }

  // The clipboard gets the promise and not the text: Safari forgets the click while the text is fetched.
  async function copyTwin(link) {
    const text = fetch(link.href).then(async (answer) => {
      if (!answer.ok) throw new Error(answer.status);
      return new Blob([await answer.text()], { type: "text/plain" });
    });
    text.catch(() => {});
    try {
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
      say(link.querySelector(".scripted"), "Copied");
    } catch {
      location.assign(link.href);
    }
  }

  function enlarge(figure) {
    const dialog = document.createElement("dialog");
    const frame = figure.querySelector(".diagram__frame");
    dialog.className = "diagram-dialog";
    dialog.setAttribute("aria-label", frame.getAttribute("aria-label"));
    dialog.innerHTML =
      '<div class="diagram"><button type="button" autofocus>Close</button><div class="diagram__frame" tabindex="0"></div></div>';
    dialog.querySelector(".diagram__frame").innerHTML = frame.innerHTML
      .replaceAll(`${figure.id}-`, `${figure.id}-large-`)
      .replaceAll(`${figure.id}_`, `${figure.id}-large_`);
    dialog.querySelector("button").onclick = () => dialog.close();
    dialog.onclose = () => dialog.remove();
    document.body.append(dialog);
    dialog.showModal();
  }

  // In a transcript only the commands are worth copying, without their prompt.
  function codeText(pre) {
    const text = pre.querySelector("code").textContent;
    if (!pre.closest(".language-console")) return text;
    const commands = text.match(/^\$ (?:.*\\\n)*.*$/gm) ?? [];
    return commands.map((command) => command.slice(2)).join("\n");
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const figure = event.target.closest("figure.diagram");
    if (button?.dataset.diagram === "enlarge") enlarge(figure);
    if (button?.dataset.diagram === "copy") copy(button, figure.querySelector("details code").textContent);
    if (button?.classList.contains("copy")) copy(button, codeText(button.parentElement));
    const twin = event.target.closest("a[data-twin]");
    if (twin && location.protocol !== "file:" && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      copyTwin(twin);
    }
  });

  // What is wider than its frame scrolls there, by keyboard only if the frame takes the focus. All are measured before any is changed.
  function reach() {
    const frames = [...document.querySelectorAll(".md-typeset__scrollwrap, .highlight > pre > code")];
    const wide = frames.map((frame) => frame.scrollWidth > frame.clientWidth);
    for (const [place, frame] of frames.entries()) {
      if (wide[place] === frame.hasAttribute("tabindex")) continue;
      if (wide[place]) frame.tabIndex = 0;
      else frame.removeAttribute("tabindex");
    }
  }
  window.addEventListener("resize", reach);

  // On paper a link shows its address: the path of a page of ours, the whole address of another's.
  window.addEventListener("beforeprint", () => {
    for (const link of document.querySelectorAll("article a[href]")) {
      if (link.origin) link.dataset.target = link.origin === location.origin ? link.pathname + link.hash : link.href;
    }
  });

  // A build makes classic scripts of modules, because browsers import none from a file.
  const loads = new Map();
  function loaded(src) {
    if (!loads.has(src)) {
      const script = Object.assign(document.createElement("script"), { src });
      const load = (done, fail) => Object.assign(script, { onload: () => done(window.modules[src]), onerror: fail });
      loads.set(src, new Promise(load));
      document.head.append(script);
    }
    return loads.get(src);
  }

  function prepare() {
    requestAnimationFrame(() => requestAnimationFrame(reach));
    document.body.append(status);
    for (const element of document.querySelectorAll("[data-module]")) {
      loaded(new URL(`${element.dataset.module}.js`, here).href).then(({ start }) => start(element));
    }
    for (const pre of document.querySelectorAll(".highlight > pre")) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "copy", textContent: "Copy" });
      button.setAttribute("aria-label", "Copy this code");
      pre.style.position = "relative";
      pre.append(button);
    }
  }
  prepare();
})();
