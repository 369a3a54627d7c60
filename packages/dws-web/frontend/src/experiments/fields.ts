// The columns of the table: those that say which snapshot a row is, and those of its metrics and parameters.

import type { Experiments, Row, Value } from "../types";
import { shortHash, visible, when } from "../text";

export interface Field {
  id: string;
  kind: "about" | "metric" | "parameter";
  /** As it is written in a filter. */
  name: string;
  larger: boolean | null;
  varies: boolean;
  width: number;
  value: (row: Row) => Value | undefined;
}

const about = (name: string, width: number, value: Field["value"]): Field => ({
  ...{ id: `about:${name}`, kind: "about", name, larger: null, varies: true, width, value },
});

const ABOUT: Field[] = [
  about("created", 152, (row) => when(row.created)),
  about("message", 220, (row) => [row.message, ...(row.notes ?? []).map((note) => note.text)].filter(Boolean).join("\n")),
  about("labels", 170, (row) => Object.entries(row.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(", ")),
  about("author", 100, (row) => row.author ?? ""),
  about("host", 100, (row) => row.host ?? ""),
  about("hash", 90, (row) => shortHash(row.hash)),
];

export function fieldsOf(table: Experiments): Field[] {
  const measured = table.columns.map((column, index): Field => {
    const last = column.name.slice(column.name.lastIndexOf(".") + 1);
    return {
      ...column,
      id: `${column.kind}:${column.name}`,
      width: Math.min(190, Math.max(98, 52 + 7.5 * last.length)),
      value: (row) => row.values[index],
    };
  });
  return [...ABOUT, ...measured];
}

const MOST_METRICS = 6;
const MOST_PARAMETERS = 8;

/** What is shown until a person chooses: metrics that are no detail, and parameters that differ. */
export function usualFields(fields: Field[]): string[] {
  const of = (kind: Field["kind"]) => fields.filter((field) => field.kind === kind);
  const plain = of("metric").filter((field) => !field.name.includes("."));
  const metrics = (plain.length ? plain : of("metric")).slice(0, MOST_METRICS);
  const parameters = of("parameter").filter((field) => field.varies);
  return [
    ...["about:created", "about:message", "about:labels"],
    ...[...metrics, ...parameters.slice(0, MOST_PARAMETERS)].map((field) => field.id),
  ];
}

/** A name in two parts: what it is a detail of, and its own. */
export function parts(name: string): [string, string] {
  const at = name.lastIndexOf(".");
  const isNested = at > 0 && at < name.length - 1 && !/^\d+$/.test(name.slice(at + 1));
  return isNested ? [visible(name.slice(0, at)), visible(name.slice(at + 1))] : ["", visible(name)];
}
