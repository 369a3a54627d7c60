// Where nodes and edges go: from left to right, in the order of the pipeline.

import type { Core, EdgeSingular, LayoutOptions } from "cytoscape";
import type { Model } from "./model";

export const WIDTH = 160;
export const HEIGHT = 66;
const RANK_GAP = 52;
const NODE_GAP = 20;
// In nodes and ranks that edges pass: above these, the better ways take longer than anybody waits.
const SIMPLEX_AT_MOST = 1500;
const DAGRE_AT_MOST = 3000;

/** Each node as far left as what it is made from allows. What is on a cycle is put where it is first met. */
function ranks(model: Model): Map<string, number> {
  const rank = new Map<string, number>();
  const missing = new Map([...model.before].map(([id, sources]) => [id, sources.length]));
  const ready = [...missing].filter(([, count]) => count === 0).map(([id]) => id);
  const rest = new Set(model.nodes.keys());
  while (rest.size) {
    const id = ready.pop() ?? [...rest][0] ?? "";
    if (!rest.delete(id)) {
      continue;
    }
    rank.set(id, rank.get(id) ?? 0);
    for (const target of model.targets(id)) {
      if (rest.has(target)) {
        rank.set(target, Math.max(rank.get(target) ?? 0, (rank.get(id) ?? 0) + 1));
        missing.set(target, (missing.get(target) ?? 0) - 1);
        if (missing.get(target) === 0) {
          ready.push(target);
        }
      }
    }
  }
  return rank;
}

/** In columns, each ordered by where its neighbours are: for graphs that are too large for dagre. */
function columns(model: Model, rank: Map<string, number>): (id: string) => { x: number; y: number } {
  const found: string[][] = [];
  for (const id of model.nodes.keys()) {
    (found[rank.get(id) ?? 0] ??= []).push(id);
  }
  const y = new Map<string, number>();
  const at = (id: string) => y.get(id) ?? 0;
  const put = (column: string[]) => column.forEach((id, i) => y.set(id, (i - (column.length - 1) / 2) * (HEIGHT + NODE_GAP)));
  found.forEach(put);
  for (let sweep = 0; sweep < 6; sweep++) {
    const next = sweep % 2 ? model.targets : model.sources;
    for (const column of sweep % 2 ? [...found].reverse() : found) {
      const wish = new Map(
        column.map((id) => {
          const others = next(id);
          return [id, others.length ? others.reduce((sum, other) => sum + at(other), 0) / others.length : at(id)];
        }),
      );
      put(column.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0)));
    }
  }
  return (id) => ({ x: (rank.get(id) ?? 0) * (WIDTH + RANK_GAP), y: at(id) });
}

export function run(cy: Core, model: Model): { name: string; milliseconds: number } {
  const start = performance.now();
  const rank = ranks(model);
  const spans = model.edges.map((edge) => Math.abs((rank.get(edge.target) ?? 0) - (rank.get(edge.source) ?? 0)));
  const size = spans.reduce((sum, span) => sum + span, cy.nodes().length);
  const isDagre = size <= DAGRE_AT_MOST;
  const ranker = size <= SIMPLEX_AT_MOST ? "network-simplex" : "longest-path";
  if (isDagre) {
    const options = {
      ...{ name: "dagre", rankDir: "LR", ranker, rankSep: RANK_GAP, nodeSep: NODE_GAP, edgeSep: 12 },
      ...{ fit: false, useDagreEdgeControlPoints: true },
    };
    cy.layout(options as unknown as LayoutOptions).run();
  } else {
    const position = columns(model, rank);
    cy.nodes().positions((node) => position(node.id()));
  }
  cy.batch(() => cy.edges().forEach((edge) => route(edge, isDagre)));
  return { name: isDagre ? `dagre, ${ranker}` : "columns", milliseconds: performance.now() - start };
}

/** Leave to the right, arrive from the left, and go straight where other nodes are. dagre says at which height an edge
 * passes each rank between; the plug-in gives that relative to the line between the two nodes. */
function route(edge: EdgeSingular, isDagre: boolean): void {
  const from = edge.source().position();
  const to = edge.target().position();
  const bends: number[] = isDagre ? (edge.scratch("controlPointDistances") ?? []) : [];
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const passes = [from];
  bends.forEach((distance, i) => {
    const x = from.x + ((to.x - from.x) * (i + 1)) / (bends.length + 1);
    const along = (x - from.x + dy * distance) / (dx || 1);
    passes.push({ x, y: from.y + dy * along + dx * distance });
  });
  passes.push(to);
  // dagre has a rank of its own between each two, where there is no node that an edge could run into.
  const stops = bends.length % 2 ? passes.filter((_, i) => i % 2 === 0) : passes;
  const [ax, bx] = [from.x + WIDTH / 2, to.x - WIDTH / 2];
  const line = { x: bx - ax, y: to.y - from.y };
  const square = line.x * line.x + line.y * line.y || 1;
  const weights: number[] = [];
  const distances: number[] = [];
  stops.slice(1).forEach((stop, i) => {
    const before = stops[i] ?? stop;
    const x = (before.x + stop.x) / 2;
    for (const y of [before.y, stop.y]) {
      const at = { x: x - ax, y: y - from.y };
      weights.push((at.x * line.x + at.y * line.y) / square);
      distances.push((at.y * line.x - at.x * line.y) / Math.sqrt(square));
    }
  });
  edge.scratch("weights", weights);
  edge.scratch("distances", distances);
}
