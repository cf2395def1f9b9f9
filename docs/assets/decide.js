// The chooser of guide/decide: site.js loads this file only where it stands. The rules come with the page.

const RUNNERS_UP = 3;

export function evaluate(rules, answers) {
  const given = rules.questions.flatMap((question) =>
    question.answers
      .filter((answer) => answer.id === answers[question.id])
      .map((answer) => ({ question: question.id, answer })),
  );
  const standing = rules.patterns.map(({ slug }, place) => {
    let points = 0;
    const against = [];
    for (const { question, answer } of given) {
      points += 2 * answer.strong.includes(slug) + answer.fits.includes(slug);
      for (const [why, slugs] of answer.out) if (slugs.includes(slug)) against.push([question, why]);
    }
    return { slug, place, points, against };
  });
  standing.sort((a, b) => a.against.length - b.against.length || b.points - a.points || a.place - b.place);
  const [first, ...others] = standing;
  const fits = (s) => s.against.length === first.against.length && s.points > 0;
  const following = others.filter(fits).slice(0, RUNNERS_UP);
  const speaks = (slug) =>
    given
      .filter(({ answer }) => answer.strong.includes(slug) || answer.fits.includes(slug))
      .map(({ question }) => question);
  return {
    first: first.slug,
    against: first.against,
    next: following.map(({ slug }) => slug),
    rest: others.filter((s) => !following.includes(s)).map(({ slug, against }) => ({ slug, against })),
    for: Object.fromEntries([first, ...following].map(({ slug }) => [slug, speaks(slug)])),
  };
}

// Returns the answers that an address holds, and what in it is no answer here. Other parameters are none of our business.
export function read(rules, search) {
  const parameters = new URLSearchParams(search);
  const answers = {};
  const refused = [];
  for (const { id, answers: possible } of rules.questions) {
    const values = parameters.getAll(id);
    if (values.length === 1 && possible.some((answer) => answer.id === values[0])) answers[id] = values[0];
    else for (const value of values) refused.push(`${id}=${value}`);
  }
  return { answers, refused };
}

export function write(rules, answers, search) {
  const parameters = new URLSearchParams(search);
  for (const { id } of rules.questions) {
    parameters.delete(id);
    if (answers[id]) parameters.set(id, answers[id]);
  }
  const text = parameters.toString();
  return text && `?${text}`;
}

function element(name, attributes, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

export function start(root) {
  const rules = JSON.parse(root.querySelector("template").content.textContent);
  const [form, result] = [root.querySelector("form"), root.querySelector(".chooser__result")];
  const [notice, status] = [root.querySelector(".chooser__notice"), root.querySelector("[role=status]")];
  const pattern = (slug) => rules.patterns.find((p) => p.slug === slug);
  const link = (slug) => element("a", { href: pattern(slug).url }, pattern(slug).name);
  let answers = {};

  const answer = (id) => {
    const question = rules.questions.find((q) => q.id === id);
    return `“${question.answers.find((a) => a.id === answers[id]).label}”`;
  };
  const list = (items) => element("ul", {}, ...items.map((item) => element("li", {}, ...item)));
  const reasons = (against) => against.map(([id, why]) => `${answer(id)}: ${why}`);

  function show() {
    const count = Object.keys(answers).length;
    if (count === 0) {
      status.textContent = "Answer one question, and the result stands below.";
      return result.replaceChildren();
    }
    const found = evaluate(rules, answers);
    const { name, description, plan } = pattern(found.first);
    const speaksFor = (slug) =>
      found.for[slug].length
        ? `For it: ${found.for[slug].map(answer).join(", ")}.`
        : "None of your answers speaks for it.";
    const clash = found.against.length > 0;
    status.textContent =
      `${count} of ${rules.questions.length} answered. ` +
      (clash ? "No pattern fits them all. Nearest: " : "First choice: ") +
      `${name}, ${["no runner-up", "one runner-up"][found.next.length] ?? `${found.next.length} runners-up`}.`;
    const parts = [
      element("h3", {}, clash ? "No pattern fits all of your answers" : "First choice"),
      element("p", { className: "chooser__first" }, link(found.first)),
      element("p", {}, description),
      element("p", {}, `Lowest plan: ${plan}. ${speaksFor(found.first)}`),
    ];
    if (clash) {
      const advice = "It is the nearest one. These may be two kinds of request: answer once for each. Against it:";
      parts.push(element("p", {}, advice), list(reasons(found.against).map((reason) => [reason])));
    }
    if (found.next.length) {
      const runners = found.next.map((slug) => [link(slug), `. ${speaksFor(slug)}`]);
      parts.push(element("h3", {}, "Runners-up"), list(runners));
    }
    const others = found.rest.flatMap(({ slug, against }) => {
      const why = against.length ? reasons(against) : ["Nothing speaks against it, but less speaks for it."];
      return [element("dt", {}, pattern(slug).name), ...why.map((reason) => element("dd", {}, reason))];
    });
    parts.push(element("h3", {}, "What fell out, and why"), element("dl", {}, ...others));
    parts.push(element("button", { type: "button", onclick: copy }, "Copy the address of this result"));
    result.replaceChildren(...parts);
  }

  async function copy({ currentTarget: button }) {
    try {
      await navigator.clipboard.writeText(location.href);
      status.textContent = "The address is copied.";
    } catch {
      status.textContent = "Copying failed. The address stands in the address bar.";
    }
    button.textContent = status.textContent;
  }

  function fromAddress() {
    const found = read(rules, location.search);
    answers = found.answers;
    form.reset();
    for (const [id, value] of Object.entries(answers)) form.elements[id].value = value;
    notice.hidden = found.refused.length === 0;
    notice.textContent = `The address holds what is no answer here, and it is ignored: ${found.refused.join(", ")}.`;
    show();
  }

  function toAddress() {
    notice.hidden = true;
    const address = `${location.pathname}${write(rules, answers, location.search)}${location.hash}`;
    show();
    history.replaceState(null, "", address);
  }

  form.addEventListener("change", () => {
    answers = Object.fromEntries(new FormData(form));
    toAddress();
  });
  form.addEventListener("click", (event) => {
    if (event.target.dataset.go) {
      result.focus({ preventScroll: true });
      result.scrollIntoView();
    }
    if (event.target.type === "reset") {
      event.preventDefault();
      form.reset();
      answers = {};
      toAddress();
      form.elements[0].focus();
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("popstate", fromAddress);
  // A reader may be quicker than this file.
  const early = Object.fromEntries(new FormData(form));
  fromAddress();
  if (Object.keys(early).length === 0) return;
  answers = { ...answers, ...early };
  for (const [id, value] of Object.entries(early)) form.elements[id].value = value;
  toAddress();
}
