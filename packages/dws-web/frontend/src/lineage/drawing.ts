// The drawing: nodes with their looks, in the colours of the style sheet, and what is marked in it.

import cytoscape, { type Core, type StylesheetJson } from "cytoscape";
import dagre from "cytoscape-dagre";
import { FONT, label } from "./labels";
import { HEIGHT, WIDTH } from "./layout";
import type { Model } from "./model";

cytoscape.use(dagre);

type Style = Record<string, unknown>;
interface Rule {
  selector: string;
  style: Style;
}

export const SHAPES: Record<string, Style> = {
  step: { shape: "round-rectangle", "corner-radius": 9 },
  source: { shape: "barrel" },
  intermediate: { shape: "polygon", "shape-polygon-points": "-1 -1 0.84 -1 1 1 -0.84 1" },
  result: { shape: "polygon", "shape-polygon-points": "-0.86 -1 0.86 -1 1 0 0.86 1 -0.86 1 -1 0" },
  imported: { shape: "cut-rectangle", "corner-radius": 14 },
  other: { shape: "ellipse" },
};
const FAR = 0.3;

/** The colours of the style sheet, by name. */
export function colours(root: HTMLElement): (name: string) => string {
  const sheet = getComputedStyle(root);
  return (name) => sheet.getPropertyValue(`--${name}`).trim();
}

function badge(sign: string, colour: string, text: string): string {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="44" height="44" viewBox="0 0 22 22">' +
    `<circle cx="11" cy="11" r="10" fill="${colour}"/><text x="11" y="16" text-anchor="middle" fill="${text}" ` +
    `font-family="sans-serif" font-size="15" font-weight="bold">${sign}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

function badged(selector: string, sign: string, dashes: number[], colour: string, text: string): Rule {
  return {
    selector,
    style: {
      "border-color": colour,
      "border-width": 3,
      "border-style": "dashed",
      "border-dash-pattern": dashes,
      "background-image": badge(sign, colour, text),
      "background-width": 26,
      "background-height": 26,
      "background-position-x": WIDTH - 22,
      "background-position-y": -11,
      "background-clip": "none",
      "background-image-containment": "over",
      "bounds-expansion": 14,
    },
  };
}

export function style(root: HTMLElement): StylesheetJson {
  const colour = colours(root);
  const looks = Object.entries(SHAPES).map(([look, shape]) => ({
    selector: `node.${look}`,
    style: {
      ...shape,
      "background-color": colour(`${look}-fill`),
      "border-color": colour(`${look}-line`),
      color: colour(`${look}-text`),
    },
  }));
  const arrow = (selector: string, name: string, line: string): Rule => ({
    selector,
    style: { "line-color": colour(name), "target-arrow-color": colour(name), "line-style": line, "z-index": 5 },
  });
  const outline = (selector: string, width: number, name: string): Rule => ({
    selector,
    style: { "outline-width": width, "outline-color": colour(name), "outline-offset": 4, "outline-opacity": 1 },
  });
  const rules: Rule[] = [
    {
      selector: "node",
      style: {
        width: WIDTH,
        height: HEIGHT,
        label: "data(label)",
        "font-family": FONT,
        "font-size": 14,
        "line-height": 1.25,
        "text-wrap": "wrap",
        "text-max-width": 10000,
        "text-valign": "center",
        "text-halign": "center",
        "min-zoomed-font-size": 5.5,
        "border-width": 2,
        "overlay-opacity": 0,
      },
    },
    {
      selector: "edge",
      style: {
        "curve-style": "unbundled-bezier",
        "control-point-weights": (edge: cytoscape.EdgeSingular) => edge.scratch("weights") ?? [0.5],
        "control-point-distances": (edge: cytoscape.EdgeSingular) => edge.scratch("distances") ?? [0],
        "edge-distances": "endpoints",
        "source-endpoint": "90deg",
        "target-endpoint": "270deg",
        "target-arrow-shape": "triangle",
        "arrow-scale": 1,
        width: 1.6,
        "line-color": colour("edge"),
        "target-arrow-color": colour("edge"),
        "overlay-opacity": 0,
      },
    },
    ...looks,
    // Whoever made it, a step is filled.
    {
      selector: "node.imported.step",
      style: {
        ...SHAPES["imported"],
        "background-color": colour("step-fill"),
        "border-color": colour("imported-line"),
        "border-width": 3,
        color: colour("step-text"),
      },
    },
    // A file of what stands to its left.
    { selector: "node.part", style: { "border-style": "dotted" } },
    { selector: "edge.part", style: { "line-style": "dotted", "target-arrow-shape": "none" } },
    badged("node.stale", "!", [9, 5], colour("stale"), colour("stale-text")),
    badged("node.unknown", "?", [2.5, 4], colour("unknown"), colour("unknown-text")),
    // Seen from far, colours and lines are all that is left.
    ...Object.keys(SHAPES).map((look) => ({
      selector: `node.far.${look}`,
      style: { "background-color": colour(look === "step" ? "step-fill" : `${look}-line`) },
    })),
    { selector: "node.far.stale", style: { "background-color": colour("stale"), "background-image": "none" } },
    { selector: "node.far.unknown", style: { "background-color": colour("stage"), "background-image": "none" } },
    { selector: "edge.far", style: { width: 5 } },
    { selector: ".faded", style: { opacity: 0.22 } },
    arrow("edge.behind", "behind", "solid"),
    arrow("edge.ahead", "ahead", "dashed"),
    { selector: "edge.behind, edge.ahead", style: { width: 2.5 } },
    { selector: "edge.far.behind, edge.far.ahead", style: { width: 9 } },
    outline("node.behind", 2, "behind"),
    outline("node.ahead", 2, "ahead"),
    {
      selector: "node.found",
      style: {
        "underlay-color": colour("found"),
        "underlay-opacity": 0.75,
        "underlay-padding": 9,
        "underlay-shape": "round-rectangle",
      },
    },
    outline("node.chosen", 4, "accent"),
    outline("node.cursor", 4, "accent"),
  ];
  return rules as unknown as StylesheetJson;
}

export function make(container: HTMLElement, root: HTMLElement, model: Model): Core {
  const isPart = (id: string) => {
    const node = model.node(id);
    return node.kind === "data" && node.isPart === true;
  };
  const cy = cytoscape({
    container,
    elements: [
      ...[...model.nodes.values()].map((node) => ({
        group: "nodes" as const,
        data: { id: node.id, label: label(node) },
        classes: [node.look, node.kind, isPart(node.id) ? "part" : "", { "out of date": "stale", unknown: "unknown", current: "" }[node.state]],
      })),
      ...model.edges.map((edge, i) => ({
        group: "edges" as const,
        data: { id: `e${i}`, source: edge.source, target: edge.target },
        classes: isPart(edge.target) ? ["part"] : [],
      })),
    ],
    style: style(root),
    layout: { name: "preset" },
    autoungrabify: true,
    boxSelectionEnabled: false,
    selectionType: "single",
    maxZoom: 3,
    minZoom: 0.005,
    hideEdgesOnViewport: model.edges.length > 4000,
  });
  cy.on("zoom", () => {
    const isFar = cy.zoom() < FAR;
    if (isFar !== cy.scratch("far")) {
      cy.scratch("far", isFar);
      cy.batch(() => void cy.elements().toggleClass("far", isFar));
    }
  });
  return cy;
}

/** Show a node with all that it was made from and all that was made from it; null: nothing. */
export function mark(cy: Core, model: Model, id: string | null): void {
  cy.batch(() => {
    cy.elements().removeClass("chosen behind ahead faded");
    if (id === null) {
      return;
    }
    cy.elements().addClass("faded");
    cy.getElementById(id).removeClass("faded").addClass("chosen");
    const show = (set: Set<string>, name: string) => {
      cy.nodes().filter((node) => set.has(node.id())).removeClass("faded").addClass(name);
      const isInside = (end: string) => end === id || set.has(end);
      cy.edges()
        .filter((edge) => isInside(edge.data("source")) && isInside(edge.data("target")))
        .removeClass("faded")
        .addClass(name);
    };
    show(model.ancestors(id), "behind");
    show(model.descendants(id), "ahead");
  });
}

export function markFound(cy: Core, ids: string[]): void {
  const found = new Set(ids);
  cy.batch(() => {
    cy.nodes(".found").removeClass("found");
    cy.nodes().filter((node) => found.has(node.id())).addClass("found");
  });
}
