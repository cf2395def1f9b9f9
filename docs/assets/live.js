// The Send buttons under transcripts: site.js loads this file only on pages that may have a live runtime near.
// It asks live/status once, when a transcript comes near; any other answer than the expected one leaves the page as it is.

const STARTING_MS = 1200;
const HOPS = 3;
const DULL = /^(date|connection|keep-alive|transfer-encoding|content-length|server|vary|mf-.*)$/;
const STATUS = { headers: { Accept: "application/json" } };

const jars = new Map();
const carried = new Map();
const kept = (store, example) => store.get(example) ?? store.set(example, new Map()).get(example);
const here = globalThis.document?.currentScript?.src;
const address = (name) => new URL(`../live/${name}`, here);

function element(name, attributes, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

async function status() {
  try {
    const answer = await fetch(address("status"), STATUS);
    const found = answer.ok && answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    return found.live === true && Array.isArray(found.examples) ? found : null;
  } catch {
    return null;
  }
}

// The first rule of docs/data/live/paths.yml that fits an answer.
export function find(rules, { method, url }, reply) {
  const list = (value) => [value].flat();
  const headers = Object.fromEntries(reply.headers.map(([name, value]) => [name.toLowerCase(), value]));
  const code = () => {
    try {
      return String(JSON.parse(reply.body).error.code);
    } catch {
      return "";
    }
  };
  const checks = {
    method: (value) => list(value).includes(method),
    status: (value) => list(value).includes(reply.status),
    path: (value) => new RegExp(value).test(url),
    code: (value) => new RegExp(`^(?:${value})$`).test(code()),
    header: (value) => Object.entries(value).every(([name, wanted]) => new RegExp(wanted).test(headers[name] ?? "")),
    body: (value) => new RegExp(value).test(reply.body),
  };
  return rules.find((rule) => Object.entries(checks).every(([name, check]) => !(name in rule) || check(rule[name])));
}

// Arrows carry their step as the first word of their label, in the order in which they are drawn.
export function mark(figure, steps, refused) {
  const lines = [...figure.querySelectorAll(".flowchart-link, .messageLine0, .messageLine1")];
  const labels = [...figure.querySelectorAll(".edgeLabel, .messageText")].filter((label) =>
    /^\d+ /.test(label.textContent.trim()),
  );
  figure.classList.toggle("diagram--path", steps.length > 0);
  for (const [place, line] of lines.entries()) {
    const at = steps.indexOf(parseInt(labels[place]?.textContent, 10));
    line.classList.toggle("is-path", at >= 0);
    line.classList.toggle("is-refused", refused && at >= 0 && at === steps.length - 1);
    labels[place]?.classList.toggle("is-path", at >= 0);
  }
}

function words({ steps, refused, answered }) {
  const direct = /^(by|before|from|with) /.test(refused ?? answered);
  const end = refused ? `refused${direct ? " " : ": "}${refused}` : `${direct ? "answered " : ""}${answered}`;
  return steps.length ? `Path: ${steps.join(" → ")}, ${end}.` : `${end[0].toUpperCase()}${end.slice(1)}.`;
}

async function post(example, request) {
  const answer = await fetch(address(example), {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(request),
  });
  const reply = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(reply.error?.message ?? `The live runtime answers with status ${answer.status}.`);
  return reply;
}

// Puts in what earlier replies handed on.
function filled(example, request) {
  const values = kept(carried, example);
  const fill = (text) =>
    text.replaceAll(/\{\{(.+?)\}\}/g, (_, name) => {
      if (!values.has(name))
        throw new Error("It needs a value from an earlier request on this page. Send that one first.");
      return values.get(name);
    });
  const headers = request.headers.map(([name, value]) => [name, fill(value)]);
  const jar = kept(jars, example);
  if (request.jar && jar.size) headers.push(["Cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; ")]);
  const { method, url, file } = request;
  return { method, url, headers, body: fill(request.body), ...(file && { file }) };
}

function keep(example, request, reply) {
  for (const [name, value] of request.jar ? reply.headers : []) {
    const cookie = name.toLowerCase() === "set-cookie" && /^([^=;]+)=([^;]*)/.exec(value);
    if (cookie) kept(jars, example).set(cookie[1].trim(), cookie[2]);
  }
  if (!request.capture) return;
  const match = new RegExp(request.capture.pattern).exec(reply.body);
  if (match) kept(carried, example).set(request.capture.name, request.capture.template.replace("\\1", match[1]));
}

// A command of a page runs with the reader's rights, so the reader sees it first. The dialog is modal: no markup of a page covers
// it, and none can press its button.
function agreed(commands) {
  const dialog = element(
    "dialog",
    { className: "live__ask" },
    element("p", { textContent: "This runs on your machine, with your rights:" }),
    element("pre", { tabIndex: 0 }, element("code", { textContent: commands.join("\n") })),
    element(
      "form",
      { method: "dialog" },
      element("button", { value: "run", textContent: "Run it" }),
      element("button", { textContent: "Cancel" }),
    ),
  );
  dialog.setAttribute("aria-label", "Run a command of this page?");
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done, fail) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "run") done();
      else fail(new Error("Nothing was run."));
    });
  });
}

async function ask(example, request) {
  const reply = await post(example, request);
  if (!reply.confirm) return reply;
  await agreed(reply.confirm);
  return post(example, { ...request, token: reply.token });
}

// Returns the last request and its reply.
async function send(example, requests) {
  let sent;
  let reply;
  for (const request of requests) {
    if (request.wait_s) await new Promise((done) => setTimeout(done, request.wait_s * 1000));
    sent = filled(example, request);
    reply = await ask(example, sent);
    keep(example, request, reply);
    for (let hop = 0; request.follow && hop < HOPS && reply.status >= 300 && reply.status < 400; hop++) {
      const location = reply.headers.find(([name]) => name.toLowerCase() === "location")?.[1];
      if (!location) break;
      const { pathname, search } = new URL(location, "http://localhost:8787");
      sent = { ...sent, method: "GET", url: pathname + search, body: "", file: undefined };
      reply = await ask(example, sent);
    }
  }
  return { sent: { ...sent, url: reply.path ?? sent.url }, reply };
}

function printed(reply) {
  const headers = reply.headers
    .filter(([name]) => !DULL.test(name.toLowerCase()))
    .map(([name, value]) => `${name}: ${value}`);
  const kind = reply.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "unknown type";
  const body = reply.body || (reply.bytes ? `(${reply.bytes} bytes of ${kind})` : "");
  const cut = reply.truncated ? "\n(the rest is left out)" : "";
  return [`HTTP/1.1 ${reply.status} ${reply.status_text}`, ...headers, ...(body ? ["", body + cut] : [])].join("\n");
}

class Bar {
  constructor(root, runtime, rules) {
    this.root = root;
    this.example = root.dataset.example;
    this.rules = rules[this.example] ?? [];
    this.runtime = runtime;
    this.buttons = [...root.querySelectorAll("[data-live]")];
    for (const button of this.buttons) {
      button.request = JSON.parse(button.dataset.live);
      if (!runtime.repository && /\$\(|"file"|"command"/.test(button.dataset.live)) button.remove();
    }
    this.buttons = this.buttons.filter((button) => button.isConnected);
    if (!this.buttons.length) return;
    this.status = element("p", {});
    this.status.setAttribute("role", "status");
    this.output = element("code", {});
    const frame = element("pre", { tabIndex: 0 }, this.output);
    frame.setAttribute("aria-label", "Live reply");
    frame.setAttribute("role", "region");
    this.reply = element("div", { className: "live__reply", hidden: true }, frame);
    root.append(this.status, this.reply);
    const row = root.querySelector(".live__send");
    this.edit = row.querySelector(".live__edit");
    if (!this.buttons.some((button) => Array.isArray(button.request))) this.edit?.remove();
    row.hidden = false;
    root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button?.request) this.send(button.request);
      if (button && button === this.edit) this.open();
      if (button && button === this.afresh) this.restart();
    });
  }

  where(worker) {
    const runtime = worker ? `workerd ${this.runtime.runtime?.workerd ?? ""}` : "Python";
    return `${runtime} ${this.runtime.where === "local" ? "on this machine" : "on Cloudflare"}`;
  }

  busy(on) {
    for (const button of this.root.querySelectorAll("button")) button.setAttribute("aria-disabled", String(on));
    clearTimeout(this.timer);
    if (!on) return;
    this.status.textContent = "Sending …";
    this.timer = setTimeout(() => (this.status.textContent = "Starting the example …"), STARTING_MS);
  }

  // What the last request brought is gone when the next one fails: an old answer must not stand for a new one.
  async go(work) {
    if (this.sending) return;
    this.sending = true;
    this.busy(true);
    let text;
    try {
      text = await work();
    } catch (error) {
      text = `Not sent. ${error.message}`;
      this.output.textContent = "";
      this.mark();
    }
    this.busy(false);
    this.sending = false;
    this.status.textContent = text;
    this.reply.hidden = !this.output.textContent;
  }

  mark(rule) {
    const figure = document.getElementById("diagram-1");
    if (figure) mark(figure, rule?.steps ?? [], Boolean(rule?.refused));
    return figure && rule ? ` ${words(rule)}` : "";
  }

  async run(request) {
    const { output, ms } = await ask(this.example, request);
    this.output.textContent = output || "(it printed nothing)";
    return `Live: ${ms} ms, ${this.where(false)}.`;
  }

  send(request) {
    this.go(() => (Array.isArray(request) ? this.answer(request) : this.run(request)));
  }

  async answer(requests) {
    const { sent, reply } = await send(this.example, requests);
    this.output.textContent = printed(reply);
    const took = this.mark(find(this.rules, sent, reply));
    const removed = reply.removed?.length
      ? ` Left out, because it is not the page's to say: ${reply.removed.join(", ")}.`
      : "";
    const where = this.where("worker" in this.root.dataset);
    return `Live: ${reply.status} ${reply.status_text}, ${reply.ms} ms, ${where}.${took}${removed}`;
  }

  open() {
    if (!this.form) this.make();
    this.form.hidden = !this.form.hidden;
    this.edit.setAttribute("aria-expanded", String(!this.form.hidden));
    if (!this.form.hidden) this.form.elements[0].focus();
  }

  make() {
    const choices = this.buttons.filter((button) => Array.isArray(button.request));
    const options = choices.map((b, i) => element("option", { value: i, textContent: b.getAttribute("aria-label") }));
    const labelled = (text, field) => element("label", {}, `${text} `, field);
    const fields = {
      which: element("select", { name: "which" }, ...options),
      method: element("input", { name: "method", size: 7 }),
      url: element("input", { name: "url" }),
      headers: element("textarea", { name: "headers", rows: 3 }),
      body: element("textarea", { name: "body", rows: 2 }),
    };
    for (const field of Object.values(fields)) Object.assign(field, { spellcheck: false, autocomplete: "off" });
    const fill = () => {
      const last = choices[Number(fields.which.value)].request.at(-1);
      fields.method.value = last.method;
      fields.url.value = last.url;
      fields.headers.value = last.headers.map(([name, value]) => (name ? `${name}: ${value}` : value)).join("\n");
      fields.body.value = last.body;
    };
    fields.which.addEventListener("change", fill);
    this.form = element(
      "form",
      { className: "live__form", hidden: true },
      ...(choices.length > 1 ? [labelled("Request", fields.which)] : []),
      labelled("Method", fields.method),
      labelled("Address", fields.url),
      labelled("Headers", fields.headers),
      labelled("Body", fields.body),
      element("div", {}, element("button", { type: "submit", textContent: "Send the edited request" })),
    );
    if (this.runtime.repository) {
      this.afresh = element("button", { type: "button", textContent: "Empty the example" });
      this.form.lastElementChild.append(this.afresh);
    }
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const request = choices[Number(fields.which.value)].request;
      const lines = fields.headers.value.split("\n").filter((line) => line.trim());
      const headers = lines.map((line) => ["", line]);
      const { method, url, body } = Object.fromEntries(
        Object.entries(fields).map(([name, field]) => [name, field.value]),
      );
      this.send([
        ...request.slice(0, -1),
        { ...request.at(-1), method: method.trim().toUpperCase(), url: url.trim(), headers, body },
      ]);
    });
    fill();
    this.root.insertBefore(this.form, this.status);
  }

  restart() {
    jars.delete(this.example);
    carried.delete(this.example);
    this.go(async () => {
      await post(this.example, { method: "HEAD", url: "/", headers: [], body: "", afresh: true });
      this.output.textContent = "";
      this.mark();
      return "The example runs again, and what it had stored is gone.";
    });
  }
}

export function start(root) {
  const rules = JSON.parse(root.content.textContent);
  const bars = [...document.querySelectorAll(".live:has(.live__send)")];
  const near = new IntersectionObserver(
    async (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      near.disconnect();
      const runtime = await status();
      for (const bar of bars) if (runtime?.examples.includes(bar.dataset.example)) new Bar(bar, runtime, rules);
    },
    { rootMargin: "800px" },
  );
  for (const bar of bars) near.observe(bar);
}
