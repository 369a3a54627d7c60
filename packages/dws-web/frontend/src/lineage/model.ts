// What is drawn, and how it is told in words. Names and values come from anywhere: they reach the page as text of
// elements or of the canvas, through visible(), and never as HTML.

import type { DataNode, Edge, Environment, LineagePage, Node, StepNode, Version } from "./types";

// Control characters, what reverses the direction of text, line separators, and halves of characters.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/gu;
const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** In one line, unlike that of the other pages. */
export function visible(text: unknown): string {
  return String(text).replace(UNSAFE, (char) => {
    const code = char.charCodeAt(0).toString(16);
    return NAMED[char] ?? (code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`);
  });
}

/** A value of a parameter or a metric, which may be any JSON. */
export const valueText = (value: unknown) => visible(typeof value === "string" ? value : JSON.stringify(value));

export const place = (version: Version) =>
  version.subpath ? `${version.resource}:${version.subpath}` : version.resource;

export const name = (node: Node) => visible(node.kind === "step" ? node.name : place(node)) || "(no name)";

/** The hash of just what lies at the place; a resource may give all its places the hash of the whole. */
export function ownHash(version: Version): string | null {
  const content = version.content?.replace(/^[a-z0-9]+:/, "") ?? null;
  return (version.subpath ? content : null) ?? version.hash;
}

/** A version, in a word; the whole of a hash is in the panel. */
export function versionText(version: Version): string {
  const hash = ownHash(version);
  if (hash) {
    return visible(hash.slice(0, 8));
  }
  return version.version === null || version.version === undefined ? "no version" : `version ${version.version}`;
}

export const when = (time: string) => visible(time.slice(0, 19).replace("T", " "));

/** Of a result, what is told of it beside its name. */
export function metricLines(node: Node, most: number): string[] {
  const numbers = Object.entries(node.kind === "data" ? (node.metrics ?? {}) : {}).filter(([key, value]) => typeof value === "number" && !key.includes("."));
  return numbers.slice(0, most).map(([key, value]) => `${visible(key)} ${Number((value as number).toPrecision(4))}`);
}

/** The second line of a node. */
export const detail = (node: Node) => (node.kind === "step" ? when(node.start_time).slice(0, 16) : versionText(node));

export class Model {
  readonly nodes: Map<string, Node>;
  readonly edges: Edge[];
  readonly before: Map<string, string[]>;
  readonly after: Map<string, string[]>;
  private readonly index: [string, string[]][];

  constructor(
    readonly page: LineagePage,
    nodes: Node[] = page.graph.nodes,
    edges: Edge[] = page.graph.edges,
  ) {
    this.nodes = new Map(nodes.map((node) => [node.id, node]));
    this.edges = edges.filter((edge) => this.nodes.has(edge.source) && this.nodes.has(edge.target));
    this.before = new Map(nodes.map((node) => [node.id, []]));
    this.after = new Map(nodes.map((node) => [node.id, []]));
    for (const edge of this.edges) {
      this.before.get(edge.target)?.push(edge.source);
      this.after.get(edge.source)?.push(edge.target);
    }
    this.index = nodes.map((node) => [node.id, searched(node)]);
  }

  node(id: string): Node {
    const found = this.nodes.get(id);
    if (!found) {
      throw new Error(`no node ${id}`);
    }
    return found;
  }

  sources = (id: string) => this.before.get(id) ?? [];
  targets = (id: string) => this.after.get(id) ?? [];
  ancestors = (id: string) => reached(id, this.before);
  descendants = (id: string) => reached(id, this.after);

  /** The results that were made from a node, in any number of steps. */
  results(id: string): string[] {
    const found = this.descendants(id);
    return [...this.nodes.values()].filter((node) => found.has(node.id) && isResult(node)).map((node) => node.id);
  }

  environment(step: StepNode): Environment | null {
    return step.environment === null ? null : (this.page.environments[step.environment] ?? null);
  }

  /** The nodes that a text is found in, as ids. */
  search(text: string): string[] {
    const wanted = text.trim().toLowerCase();
    return wanted ? this.index.filter(([, texts]) => texts.some((candidate) => candidate.includes(wanted))).map(([id]) => id) : [];
  }

  /** The part of the graph that a node is made from or went into. */
  around(id: string): Model {
    const kept = new Set([id, ...this.ancestors(id), ...this.descendants(id)]);
    return new Model(this.page, [...this.nodes.values()].filter((node) => kept.has(node.id)), this.edges);
  }

  /** With a node for each file that a step read out of a larger version. */
  withFiles(): Model {
    const [nodes, edges] = [new Map(this.nodes), [] as Edge[]];
    const parts = new Set<string>();
    for (const edge of this.edges) {
      const [from, step] = [this.node(edge.source), this.node(edge.target)];
      const files = from.kind === "data" && step.kind === "step" ? filesOf(from, step) : [];
      if (from.kind !== "data" || !files.length) {
        edges.push(edge);
        continue;
      }
      for (const file of files) {
        const id = `${from.id}/${file.subpath}/${ownHash(file)}`;
        if (!parts.has(id)) {
          parts.add(id);
          nodes.set(id, { ...from, ...file, id, isPart: true, metrics: null });
          edges.push({ source: from.id, target: id });
        }
        edges.push({ source: id, target: step.id });
      }
    }
    return parts.size ? new Model(this.page, [...nodes.values()], edges) : this;
  }
}

export const isResult = (node: Node) => node.kind === "data" && (node.look === "result" || node.role === "results");

/** The files that a step read out of a version; none if it read the whole, or nobody knows. */
function filesOf(from: DataNode, step: StepNode): Version[] {
  const read = (step.inputs ?? []).filter((input) => input.resource === from.resource && isWithin(input.subpath, from.subpath));
  return read.every((input) => input.subpath !== from.subpath) ? read : [];
}

const isWithin = (path: string | null, top: string | null) => !top || path === top || (path ?? "").startsWith(`${top}/`);

/** All that search looks at, in lower case. */
function searched(node: Node): string[] {
  const texts = node.kind === "step" ? [node.name] : [node.resource, place(node)];
  for (const [key, value] of Object.entries(node.kind === "step" ? (node.parameters ?? {}) : {})) {
    texts.push(`${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
  return texts.map((text) => text.toLowerCase());
}

/** All that is reached from a node along `next`, without the node. */
function reached(id: string, next: Map<string, string[]>): Set<string> {
  const found = new Set<string>();
  const pending = [id];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (const other of next.get(at) ?? []) {
      if (other !== id && !found.has(other)) {
        found.add(other);
        pending.push(other);
      }
    }
  }
  return found;
}
