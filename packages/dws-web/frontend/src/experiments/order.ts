// The order of rows, and how each value stands to the others of its column.

import type { Value } from "../types";
import { asNumber } from "../text";
import type { Field } from "./fields";

/** Numbers before texts, and both before what is missing, whichever way the order is. */
export function compare(a: Value | undefined, b: Value | undefined, isDescending: boolean): number {
  const [one, other] = [rank(a), rank(b)];
  if (one !== other) {
    return isDescending ? other - one : one - other;
  }
  if (one === 0) {
    return (a as number) - (b as number);
  }
  return one === 1 ? String(a).localeCompare(String(b), "en", { numeric: true }) : 0;
}

function rank(value: Value | undefined): number {
  if (asNumber(value) !== null) {
    return 0;
  }
  return value === null || value === undefined || value === "" ? 2 : 1;
}

/** Which way a column is sorted first: the best value, where that is known, else the least. */
export const bestFirst = (field: Field) => field.larger === true || field.id === "about:created";

/** From 0, the worst, to 1, the best; by column of which the direction is known. */
export function ranges(fields: Field[], values: (field: Field) => Iterable<Value | undefined>): Map<string, [number, number]> {
  const found = new Map<string, [number, number]>();
  for (const field of fields) {
    if (field.kind !== "metric" || field.larger === null) {
      continue;
    }
    let [low, high] = [Infinity, -Infinity];
    for (const value of values(field)) {
      const number = asNumber(value);
      if (number !== null) {
        low = Math.min(low, number);
        high = Math.max(high, number);
      }
    }
    if (low < high) {
      found.set(field.id, [low, high]);
    }
  }
  return found;
}

export function heat(field: Field, value: Value | undefined, range: [number, number] | undefined): number | null {
  const number = asNumber(value);
  if (number === null || range === undefined) {
    return null;
  }
  const part = (number - range[0]) / (range[1] - range[0]);
  return field.larger ? part : 1 - part;
}
