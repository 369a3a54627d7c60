// What stands around the drawing: its head with the tools, the legend, and what is told where there is no lineage.

import { button, make, put, svg } from "./elements";
import { type Model, visible } from "./model";

export interface Frame {
  area: HTMLElement;
  field: HTMLInputElement;
  count: HTMLElement;
  live: HTMLElement;
  wait: HTMLElement;
  narrowed: HTMLElement;
  showAll: HTMLButtonElement;
  files: HTMLButtonElement;
  buttons: Record<"zoomOut" | "zoomIn" | "fit" | "svg" | "png", HTMLButtonElement>;
  theme: HTMLButtonElement | null;
  stage: HTMLElement;
  body: HTMLElement;
}

const GRAPH_LABEL =
  "Graph of the lineage. Arrow keys go from node to node, Enter shows one, Escape closes it, plus and minus zoom, 0 shows the whole graph.";

/** @param isPage - whether the lineage is all of the page, and not a part of one. */
export function frame(root: HTMLElement, model: Model, isPage: boolean): Frame {
  const field = make("input");
  Object.assign(field, { id: "search", type: "search", placeholder: "Search steps, resources, parameters", autocomplete: "off", spellcheck: false });
  field.setAttribute("aria-label", "Search for a step, a resource or a parameter; Enter goes to the next match");
  field.setAttribute("aria-describedby", "count");
  const count = Object.assign(make("span"), { id: "count" });
  count.setAttribute("role", "status");
  const search = put(make("div", null, "search"), field, count);
  search.setAttribute("role", "search");
  const buttons = {
    zoomOut: button("−", { id: "zoom-out", title: "Zoom out (-)", label: "Zoom out" }),
    zoomIn: button("+", { id: "zoom-in", title: "Zoom in (+)", label: "Zoom in" }),
    fit: button("Fit", { id: "fit", title: "Show the whole graph (0)" }),
    svg: button("SVG", { title: "Download the drawing as SVG" }),
    png: button("PNG", { title: "Download the drawing as PNG" }),
  };
  const files = button("Files", { id: "files", title: "A node for each file that a step read out of a resource" });
  files.setAttribute("aria-pressed", "false");
  const theme = isPage ? button("", { id: "theme", title: "Light or dark", label: "Dark colours" }) : null;
  if (theme) {
    const icon = svg("svg", { width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": "true" });
    icon.append(svg("circle", { cx: 8, cy: 8, r: 6.5, fill: "none", stroke: "currentColor", "stroke-width": 1.6 }), svg("path", { d: "M8 1.5a6.5 6.5 0 0 1 0 13z", fill: "currentColor" }));
    theme.append(icon);
    theme.setAttribute("aria-pressed", "false");
  }
  const tools = put(make("div", null, "tools"), search, files, buttons.zoomOut, buttons.zoomIn, buttons.fit, buttons.svg, buttons.png, ...(theme ? [theme] : []));
  const heading = put(make("div", null, "heading"), Object.assign(make(isPage ? "h1" : "h2"), { id: "title", dir: "auto" }), Object.assign(make("p"), { id: "subtitle", dir: "auto" }));
  const area = Object.assign(make("div"), { id: "graph", tabIndex: 0 });
  area.setAttribute("role", "application");
  area.setAttribute("aria-label", GRAPH_LABEL);
  const wait = Object.assign(make("p", "Drawing…"), { id: "wait" });
  const showAll = button("Show all", { title: "Show the whole graph again" });
  const narrowed = put(make("p", null, "narrowed"), make("span"), showAll);
  narrowed.hidden = true;
  const stage = put(make("div", null, "stage"), area, wait, narrowed, empty(model), legend(model));
  const body = put(make(isPage ? "main" : "div", null, "lineage-body"), stage);
  const live = Object.assign(make("p", null, "for-screen-readers"), { id: "live" });
  live.setAttribute("aria-live", "polite");
  root.append(put(make(isPage ? "header" : "div", null, "lineage-head"), heading, tools), body, live);
  describe(model, isPage);
  return { area, field, count, live, wait, narrowed, showAll, files, buttons, theme, stage, body };
}

const plural = (number: number, noun: string, nouns: string) => `${number} ${number === 1 ? noun : nouns}`;

function describe(model: Model, isPage: boolean): void {
  const { graph } = model.page;
  const steps = graph.nodes.filter((node) => node.kind === "step").length;
  const of = graph.resource === null ? "all resources" : visible(graph.resource);
  const tags = graph.tags.length ? `${graph.tags.map(visible).join(", ")} ` : "";
  const at = graph.snapshot === null ? "now" : `snapshot ${tags}(${visible(graph.snapshot.slice(0, 8))})`;
  const versions = plural(graph.nodes.length - steps, "version of data", "versions of data");
  const [title, subtitle] = [document.getElementById("title"), document.getElementById("subtitle")];
  if (title && subtitle) {
    title.textContent = `Lineage of ${of}`;
    const what = `${plural(steps, "step", "steps")}, ${versions}`;
    subtitle.textContent = isPage ? `Workspace ${visible(graph.workspace)} · ${at} · ${what}` : what;
  }
  if (isPage) {
    document.title = `Lineage of ${of} – ${visible(graph.workspace)}`;
  }
}

function empty(model: Model): HTMLElement {
  const told = make("p", "Lineage is there after a step has run: with ");
  told.append(make("code", "dws run"), ", or in Python with ", make("code", "LineageBuilder"), " or a lineage kit.");
  const made = put(Object.assign(make("div"), { id: "empty" }), make("h2", "No lineage is recorded"), told);
  made.hidden = model.nodes.size > 0;
  return made;
}

type Shape = ["rect" | "path" | "ellipse" | "circle" | "text", Record<string, string | number>, string?];
const BADGED: Shape[] = [["rect", { x: 2, y: 5, width: 28, height: 13, rx: 3 }], ["circle", { cx: 30, cy: 6, r: 5.5 }]];
const LEGEND: [string, string, string, Shape[]][] = [
  ["step", "step", "Step", [["rect", { x: 2, y: 3, width: 32, height: 14, rx: 4 }]]],
  ["source", "source", "Source data", [["path", { d: "M2 5Q18 1 34 5V15Q18 19 2 15z" }]]],
  ["intermediate", "intermediate", "Intermediate data", [["path", { d: "M2 3H29L34 17H7z" }]]],
  ["result", "result", "Result", [["path", { d: "M6 3H30L34 10L30 17H6L2 10z" }]]],
  ["imported", "imported", "Imported from another workspace", [["path", { d: "M7 3H29L34 7V13L29 17H7L2 13V7z" }]]],
  ["other", "other", "Other data, code", [["ellipse", { cx: 18, cy: 10, rx: 16, ry: 7 }]]],
  ["out of date", "stale", "Out of date", [...BADGED, ["text", { x: 30, y: 9.2 }, "!"]]],
  ["unknown", "unknown", "Unknown: its step failed", [...BADGED, ["text", { x: 30, y: 9.2 }, "?"]]],
  ["", "behind", "What it was made from", [["path", { d: "M2 10H34" }]]],
  ["", "ahead", "What was made from it", [["path", { d: "M2 10H34" }]]],
];

function legend(model: Model): HTMLElement {
  const used = new Set<string>([...model.nodes.values()].flatMap((node) => [node.look, node.state]));
  const list = make("ul");
  for (const [only, look, text, shapes] of LEGEND) {
    const icon = svg("svg", { viewBox: "0 0 36 20", class: look, "aria-hidden": "true" });
    icon.append(...shapes.map((shape) => svg(...shape)));
    const item = put(make("li", null, only ? null : "of-choice"), icon as unknown as Node, text);
    item.hidden = only !== "" && !used.has(only);
    list.append(item);
  }
  const made = put(Object.assign(make("details"), { id: "legend" }), make("summary", "Legend"), list);
  made.open = window.innerWidth > 760;
  made.hidden = model.nodes.size === 0;
  return made;
}
