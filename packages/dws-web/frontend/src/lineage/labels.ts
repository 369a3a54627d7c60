// The text in a node: cut to what fits.

import { detail, metricLines, type Model, name, visible } from "./model";
import type { Node } from "./types";

export const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif';
const TEXT_WIDTH: Record<string, number> = { step: 144, other: 118 };
const measure = document.createElement("canvas").getContext("2d");
if (measure) {
  measure.font = `14px ${FONT}`;
}

const isFitting = (text: string, width: number) => text.length <= 200 && (measure?.measureText(text).width ?? 0) <= width;

/** A text cut in its middle: names that begin alike often differ at their ends. */
function fitting(text: string, width: number): string {
  if (isFitting(text, width)) {
    return text;
  }
  const chars = [...text];
  const cut = (count: number) => {
    const end = Math.floor(count / 2);
    return `${chars.slice(0, count - end).join("")}…${chars.slice(chars.length - end).join("")}`;
  };
  let [least, most] = [1, Math.min(chars.length, 200)];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    [least, most] = isFitting(cut(middle), width) ? [middle, most] : [least, middle - 1];
  }
  return cut(least);
}

/** A text in two lines, if it is too long for one; rather between its words than within them. */
function inTwo(text: string, width: number): string[] {
  if (isFitting(text, width)) {
    return [text];
  }
  const chars = [...text.slice(0, 200)];
  let length = chars.findIndex((_, i) => !isFitting(chars.slice(0, i + 1).join(""), width));
  const word = chars.slice(0, length).join("").search(/[-_ ./:][^-_ ./:]*$/) + 1;
  length = word > length / 2 ? [...text.slice(0, word)].length : length;
  const first = chars.slice(0, length).join("");
  return [first, fitting(text.slice(first.length), width)];
}

/** Three lines at most: the name, and the version with the first metric of a result. */
export function label(node: Node): string {
  const width = TEXT_WIDTH[node.look] ?? 136;
  const lines =
    node.kind === "data" && node.subpath
      ? [node.resource, node.subpath].map((text) => fitting(visible(text), width))
      : inTwo(name(node), width);
  const metrics = metricLines(node, 2).map((line) => fitting(line, width));
  return lines.length + metrics.length > 2 ? [...lines, metrics[0] ?? detail(node)].join("\n") : [...lines, ...metrics, detail(node)].slice(0, 3).join("\n");
}

export const labels = (model: Model) => new Map([...model.nodes.values()].map((node) => [node.id, label(node)]));
