// Runs inside headless Chromium: draws one Mermaid source and returns a small SVG that the site's CSS can theme.
// Every id starts with DIAGRAM, which the site replaces by an id unique on the page.

window.draw = async (source, config, links) => {
  mermaid.initialize(config);
  await mermaid.parse(source);
  const holder = document.body.appendChild(document.createElement("div"));
  holder.innerHTML = (await mermaid.render("DIAGRAM", source)).svg;
  const svg = holder.querySelector("svg");
  for (const node of svg.querySelectorAll("style, symbol")) node.remove();
  svg.querySelectorAll("g.outer-path").forEach(plainShape);
  svg.querySelectorAll("text").forEach(joinWords);
  linkActors(svg, links);
  svg.querySelectorAll("a").forEach(plainLink);
  dropUnused(svg);
  const [, top, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  for (const line of svg.querySelectorAll(".actor-line")) line.setAttribute("y2", top + height - 10);
  svg.querySelectorAll("*").forEach(plainAttributes);
  frame(svg, width, height);
  const text = new XMLSerializer().serializeToString(svg);
  holder.remove();
  return {
    svg: text.replace(/ xmlns="[^"]*"/, "").replace(/-?\d+\.\d{2,}/g, (n) => String(Math.round(n * 10) / 10)),
    width,
    height,
  };
};

// Mermaid draws stadiums and hexagons as hand-drawn curves of 10 KB; an outline says the same.
function plainShape(group) {
  const path = group.querySelector("path").getAttribute("d");
  const points = [...path.matchAll(/(-?[\d.]+)[ ,]+(-?[\d.]+)(?=\s*(?:[A-Z]|$))/g)].map((m) => [
    Number(m[1]),
    Number(m[2]),
  ]);
  const box = group.getBBox();
  const round = points.length > 20;
  const shape = document.createElementNS("http://www.w3.org/2000/svg", round ? "rect" : "polygon");
  if (round) {
    for (const [k, v] of Object.entries({
      x: box.x,
      y: box.y,
      width: box.width,
      height: box.height,
      rx: box.height / 2,
    }))
      shape.setAttribute(k, v);
  } else {
    shape.setAttribute("points", points.map((p) => p.join(",")).join(" "));
  }
  shape.setAttribute("class", "shape");
  group.replaceWith(shape);
}

// One tspan a line instead of one a word.
function joinWords(text) {
  for (const line of text.querySelectorAll("tspan.text-outer-tspan")) line.replaceChildren(line.textContent);
}

// Sequence diagrams have no click statement, so `%% link Actor https://…` names their links.
function linkActors(svg, links) {
  for (const [name, url] of links) {
    const shapes = [...svg.querySelectorAll("g[data-et=participant]")].filter((g) => g.dataset.id === name);
    const box = shapes.find((g) => g.querySelector("line.actor-line")) ?? shapes[0];
    if (!box) throw new Error(`%% link names the unknown actor ${name}`);
    const anchor = document.createElementNS("http://www.w3.org/2000/svg", "a");
    anchor.setAttribute("href", url);
    const [rect, label] = [box.querySelector("rect.actor"), box.querySelector("text.actor")];
    rect.before(anchor);
    anchor.append(rect, label);
  }
}

function plainLink(anchor) {
  const url = anchor.getAttribute("href") ?? anchor.getAttribute("xlink:href");
  for (const { name } of [...anchor.attributes])
    if (!["transform", "class"].includes(name)) anchor.removeAttribute(name);
  anchor.setAttribute("href", url);
}

function dropUnused(svg) {
  const used = new Set([...svg.outerHTML.matchAll(/url\(#([^)]+)\)/g)].map((m) => m[1]));
  for (const node of svg.querySelectorAll("marker, filter, linearGradient")) if (!used.has(node.id)) node.remove();
  for (const node of svg.querySelectorAll("defs, g"))
    if (!node.children.length && !node.textContent.trim()) node.remove();
  for (const node of svg.querySelectorAll("rect.background")) if (!node.getAttribute("width")) node.remove();
}

const KEPT =
  /^(x|y|x1|x2|y1|y2|dx|dy|cx|cy|r|rx|ry|width|height|d|points|transform|viewBox|refX|refY|marker(Width|Height|Units|-end|-start)|orient|text-anchor|dominant-baseline|href|class|id)$/;
const CLASSES =
  /^(client|edge|compute|state|origin|identity|node|cluster|cluster-label|edgeLabel|background|shape|flowchart-link|edge-pattern-dotted|edge-pattern-dashed|edge-thickness-thick|marker|label-container|actor|actor-line|messageText|messageLine[01]|loopLine|loopText|labelBox|labelText|sectionTitle|note|noteText|activation\d|rect)$/;

function plainAttributes(node) {
  for (const { name, value } of [...node.attributes]) {
    if (!KEPT.test(name)) node.removeAttribute(name);
    else if (name === "class") {
      const kept = [...new Set(value.split(/\s+/))].filter((c) => CLASSES.test(c));
      kept.length ? node.setAttribute("class", kept.join(" ")) : node.removeAttribute("class");
    } else if (name === "id" && !["marker", "title", "desc"].includes(node.localName)) node.removeAttribute("id");
  }
}

function frame(svg, width, height) {
  for (const { name } of [...svg.attributes]) if (name !== "viewBox") svg.removeAttribute(name);
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-labelledby", "chart-title-DIAGRAM");
  svg.setAttribute("aria-describedby", "chart-desc-DIAGRAM");
  svg.setAttribute("width", Math.ceil(width));
  svg.setAttribute("height", Math.ceil(height));
  const title = svg.querySelector("title"),
    desc = svg.querySelector("desc");
  if (!title || !desc) throw new Error("accTitle and accDescr are missing: a screen reader would hear nothing");
  title.id = "DIAGRAM-title";
  desc.id = "DIAGRAM-desc";
  svg.setAttribute("aria-labelledby", "DIAGRAM-title");
  svg.setAttribute("aria-describedby", "DIAGRAM-desc");
}
