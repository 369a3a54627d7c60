// The drawing as a file: PNG as the browser draws it, SVG from the same places, shapes and colours.

import type { Core, EdgeSingular, NodeSingular, Position } from "cytoscape";
import { colours } from "./drawing";
import { svg } from "./elements";
import { FONT } from "./labels";
import { HEIGHT, WIDTH } from "./layout";
import type { Model } from "./model";

const MARGIN = 24;
const LINE_HEIGHT = 17.5;
/** Of a PNG, in pixels; browsers draw no larger ones. */
const LARGEST = 8000;

export function download(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function png(cy: Core, root: HTMLElement): Blob {
  const far = cy.elements(".far").removeClass("far");
  try {
    const size = { scale: 2, full: true, maxWidth: LARGEST, maxHeight: LARGEST };
    return cy.png({ ...size, bg: colours(root)("page"), output: "blob" }) as unknown as Blob;
  } finally {
    far.addClass("far");
  }
}

export function svgText(cy: Core, model: Model, root: HTMLElement): string {
  const colour = colours(root);
  const box = cy.elements().boundingBox();
  const [x, y, width, height] = [box.x1 - MARGIN, box.y1 - MARGIN, box.w + 2 * MARGIN, box.h + 2 * MARGIN].map(Math.round) as [number, number, number, number];
  const made = svg("svg", { width, height, viewBox: `${x} ${y} ${width} ${height}`, "font-family": FONT, "font-size": 14 });
  const arrow = svg("marker", { id: "arrow", viewBox: "0 0 10 10", refX: 10, refY: 5, markerWidth: 7, markerHeight: 7, orient: "auto" });
  arrow.append(svg("path", { d: "M0 0L10 5L0 10z", fill: colour("edge") }));
  const definitions = svg("defs", {});
  definitions.append(arrow);
  made.append(definitions, svg("rect", { x, y, width, height, fill: colour("page") }));
  cy.edges().forEach((edge) => void made.append(line(edge, colour)));
  cy.nodes().forEach((node) => void made.append(boxOf(node, model, colour)));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(made)}\n`;
}

const at = ({ x, y }: Position) => `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;

function line(edge: EdgeSingular, colour: (name: string) => string): SVGElement {
  const bends = edge.controlPoints() ?? [];
  let path = `M${at(edge.sourceEndpoint())}`;
  bends.forEach((bend, i) => {
    const next = bends[i + 1];
    // Between two bends the curve passes their middle.
    path += `Q${at(bend)} ${at(next ? { x: (bend.x + next.x) / 2, y: (bend.y + next.y) / 2 } : edge.targetEndpoint())}`;
  });
  if (!bends.length) {
    path += `L${at(edge.targetEndpoint())}`;
  }
  const isPart = edge.hasClass("part");
  const look: Record<string, string> = isPart ? { "stroke-dasharray": "2 3" } : { "marker-end": "url(#arrow)" };
  return svg("path", { d: path, fill: "none", stroke: colour("edge"), "stroke-width": 1.6, ...look });
}

const OUTLINES: Record<string, (w: number, h: number) => string> = {
  source: (w, h) => `M${-w} ${-h + 8}Q0 ${-h - 8} ${w} ${-h + 8}V${h - 8}Q0 ${h + 8} ${-w} ${h - 8}z`,
  intermediate: (w, h) => `M${-w} ${-h}H${0.84 * w}L${w} ${h}H${-0.84 * w}z`,
  result: (w, h) => `M${-0.86 * w} ${-h}H${0.86 * w}L${w} 0L${0.86 * w} ${h}H${-0.86 * w}L${-w} 0z`,
  imported: (w, h) => `M${-w + 14} ${-h}H${w - 14}L${w} ${-h + 14}V${h - 14}L${w - 14} ${h}H${-w + 14}L${-w} ${h - 14}V${-h + 14}z`,
};

function boxOf(node: NodeSingular, model: Model, colour: (name: string) => string): SVGElement {
  const shown = model.node(node.id());
  const [w, h] = [WIDTH / 2, HEIGHT / 2];
  const fill = colour(`${shown.kind === "step" ? "step" : shown.look}-fill`);
  const state = { "out of date": "stale", unknown: "unknown", current: "" }[shown.state];
  const stroke = colour(state || `${shown.look}-line`);
  const dashes: Record<string, string> = { stale: { "stroke-dasharray": "9 5" }, unknown: { "stroke-dasharray": "2.5 4" } }[state] ?? (node.hasClass("part") ? { "stroke-dasharray": "2 2" } : {});
  const look = { fill, stroke, "stroke-width": state ? 3 : 2, ...dashes };
  const outline = OUTLINES[shown.look];
  const group = svg("g", { transform: `translate(${at(node.position())})` });
  group.append(
    outline
      ? svg("path", { d: outline(w, h), ...look })
      : shown.look === "other"
        ? svg("ellipse", { rx: w, ry: h, ...look })
        : svg("rect", { x: -w, y: -h, width: WIDTH, height: HEIGHT, rx: 9, ...look }),
  );
  const lines = String(node.data("label")).split("\n");
  lines.forEach((text, i) => {
    const y = (i - (lines.length - 1) / 2) * LINE_HEIGHT + 5;
    group.append(svg("text", { y, "text-anchor": "middle", fill: colour(`${shown.kind === "step" ? "step" : shown.look}-text`) }, text));
  });
  if (state) {
    group.append(svg("circle", { cx: w - 9, cy: -h + 2, r: 12, fill: stroke }));
    group.append(svg("text", { x: w - 9, y: -h + 8, "text-anchor": "middle", "font-weight": "bold", fill: colour(`${state}-text`) }, state === "stale" ? "!" : "?"));
  }
  return group;
}
