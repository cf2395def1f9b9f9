// What a month costs, for the reader's own volumes. The arithmetic is that of model/costs/bill.py, in whole numbers (BigInt),
// and a test compares the two over many inputs. Loaded by site.js only where the form stands.

function fraction(text) {
  const [above, below = "1"] = text.split("/");
  return [BigInt(above), BigInt(below)];
}

const add = ([a, b], [c, d]) => [a * d + c * b, b * d];
const times = ([a, b], [c, d]) => [a * c, b * d];
const more = ([a, b], [c, d]) => a * d > c * b;

/** The least whole number that is not below a fraction of zero or more. */
const ceiling = ([a, b]) => (a + b - 1n) / b;

/** Whole cents, half a cent upwards. */
const cents = ([a, b]) => (200n * a + b) / (2n * b);

function quantity(terms, volumes) {
  return terms.reduce(
    (sum, [factor, ...names]) =>
      add(
        sum,
        names.reduce((product, name) => times(product, [volumes[name], 1n]), fraction(factor)),
      ),
    [0n, 1n],
  );
}

function price(line, amount) {
  const [a, b] = fraction(line.included);
  let rest = add(amount, [-a, b]);
  if (!more(rest, [0n, 1n])) return 0n;
  const step = fraction(line.step);
  if (step[0]) rest = times([ceiling(times(rest, [step[1], step[0]])), 1n], step);
  return cents(times(rest, fraction(line.rate)));
}

/**
 * The bill of a month.
 * @param model what model/costs/bill.py hands over.
 * @param volumes name of a volume to BigInt.
 */
export function bill(model, volumes) {
  const amounts = model.lines.map((line) => quantity(line.terms, volumes));
  const plans = model.plans.map((plan, index) => {
    const tight = model.lines.filter(
      (line, i) => line.plan === index && line.free !== null && more(amounts[i], fraction(line.free)),
    );
    const limits = model.volumes.filter(
      (v) => plan.limits && v.freeMax && more([volumes[v.id], 1n], fraction(v.freeMax)),
    );
    const over = plan.free ? [...tight.map((line) => line.name), ...limits.map((v) => v.label)] : [];
    const paid = over.length > 0 || !plan.free;
    return { paid, cents: paid ? BigInt(plan.cents) : 0n, over };
  });
  const lines = model.lines.map((line, i) => {
    const billed = line.plan === null || plans[line.plan].paid;
    return { quantity: amounts[i], cents: billed ? price(line, amounts[i]) : 0n };
  });
  return { plans, lines, total: [...plans, ...lines].reduce((sum, part) => sum + part.cents, 0n) };
}

const grouped = (whole) => String(whole).replace(/\B(?=(\d{3})+$)/g, ",");

/** Cents as a reader knows them: 1,234.50 */
export const money = (amount) => `${grouped(amount / 100n)}.${String(amount % 100n).padStart(2, "0")}`;

/** A quantity with at most two decimals, half upwards. */
export function amount([a, b]) {
  const hundredths = (200n * a + b) / (2n * b);
  const rest = String(hundredths % 100n)
    .padStart(2, "0")
    .replace(/0+$/, "");
  return grouped(hundredths / 100n) + (rest && `.${rest}`);
}

export function planText(plan, { paid, cents: price, over }) {
  if (!paid) return `${plan.name}: ${plan.free}.`;
  const why = over.length ? `. ${plan.free} is too small for: ${over.join(", ")}.` : ".";
  return `${plan.name}: ${plan.paid}${price ? `, USD ${money(price)}` : ""}${why}`;
}

/** What a reader typed: { value } or { error }. */
export function read(text, volume) {
  const plain = text.trim();
  if (!plain) return { error: "Enter a number." };
  if (/^[-−]/.test(plain)) return { error: `Enter ${grouped(volume.min)} or more.` };
  if (!/^(\d{1,3}([,\u00a0\u202f ]\d{3})+|\d+)$/.test(plain))
    return { error: "Enter a whole number in digits, like 250000." };
  const value = BigInt(plain.replace(/\D/g, ""));
  if (value > BigInt(volume.max)) return { error: `Enter ${grouped(volume.max)} or less.` };
  if (value < BigInt(volume.min)) return { error: `Enter ${grouped(volume.min)} or more.` };
  return { value };
}

/** Bring the form to life. */
export function start(form) {
  form.dataset.costs = "ready";
  const model = JSON.parse(form.dataset.model);
  const total = form.querySelector("[data-total]");
  const plans = [...form.querySelectorAll("[data-plan]")];
  const rows = [...form.querySelectorAll("tbody tr")];

  function show() {
    const volumes = {};
    let wrong = 0;
    for (const volume of model.volumes) {
      const input = form.elements[volume.id];
      const { value, error = "" } = read(input.value, volume);
      volumes[volume.id] = value;
      if (error) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      document.getElementById(`${input.id}-error`).textContent = error;
      wrong += error ? 1 : 0;
    }
    form.classList.toggle("costs--wrong", wrong > 0);
    const found = wrong ? null : bill(model, volumes);
    total.textContent = found ? money(found.total) : "–";
    for (const [i, line] of plans.entries()) line.textContent = found ? planText(model.plans[i], found.plans[i]) : "";
    rows.forEach((row, i) => {
      row.querySelector("[data-quantity]").textContent = found ? amount(found.lines[i].quantity) : "–";
      row.querySelector("[data-cost]").textContent = found ? money(found.lines[i].cents) : "–";
    });
    form.querySelector("[data-wrong]").textContent = wrong ? "Correct the marked numbers to see a total." : "";
  }

  function keep() {
    const address = new URL(location.href);
    for (const volume of model.volumes)
      address.searchParams.set(volume.id, form.elements[volume.id].value.replace(/\D/g, ""));
    history.replaceState(null, "", address);
  }

  function fill(values) {
    for (const volume of model.volumes) form.elements[volume.id].value = values(volume);
    show();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    show();
    if (!form.classList.contains("costs--wrong")) keep();
  });
  form.addEventListener("click", (event) => {
    const size = event.target.closest("button")?.dataset.size;
    if (size === undefined) return;
    fill((volume) => grouped(volume.sizes[size]));
    keep();
  });

  const given = new URL(location.href).searchParams;
  if (model.volumes.some((volume) => given.has(volume.id))) {
    fill((volume) => given.get(volume.id)?.replace(/\B(?=(\d{3})+$)/g, ",") ?? form.elements[volume.id].value);
    // After the next picture: what changes out of sight moves nothing. On the way back, the browser knows the place.
    const [{ type }] = performance.getEntriesByType("navigation");
    if (type === "navigate" && !location.hash && !scrollY)
      requestAnimationFrame(() => setTimeout(() => form.scrollIntoView()));
  }
}
