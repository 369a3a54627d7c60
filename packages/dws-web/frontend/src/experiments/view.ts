// How the table is looked at: what of it is in the address of the page, and remembered for the next time.

import { computed, signal } from "@preact/signals";
import * as data from "../data";
import { route, setOptions } from "../route";
import { asFailure, remember, remembered, table } from "../state";
import type { Row } from "../types";
import { condition } from "./condition";
import { type Field, fieldsOf, usualFields } from "./fields";
import { bestFirst, compare } from "./order";

export const fields = computed<Field[]>(() => (table.value ? fieldsOf(table.value) : []));

const byId = computed(() => new Map(fields.value.map((field) => [field.id, field])));

const LIST = ",";
const encode = (ids: string[]) => ids.map((id) => encodeURIComponent(id)).join(LIST);
const decode = (text: string) => text.split(LIST).filter(Boolean).map(safely);

function safely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const key = (what: string) => `${what}:${table.value?.workspace ?? ""}`;

// A preference that was stored must show at once, which no signal would tell of.
const changes = signal(0);

export const shownFields = computed<Field[]>(() => {
  changes.value;
  const given = route.value.options.get("columns");
  const wanted = given === null ? remembered<string[] | null>(key("columns"), null) : decode(given);
  const ids = (wanted ?? usualFields(fields.value)).filter((id) => byId.value.has(id));
  return ids.map((id) => byId.value.get(id) as Field);
});

export function showFields(ids: string[] | null): void {
  remember(key("columns"), ids);
  changes.value += 1;
  setOptions({ columns: ids === null ? null : encode(ids) });
}

export const pinned = signal<number>(0);
export const widths = signal<Record<string, number>>({});

export function recall(): void {
  pinned.value = remembered(key("pinned"), 0);
  widths.value = remembered(key("widths"), {});
}

export function setPinned(count: number): void {
  pinned.value = count;
  remember(key("pinned"), count);
}

export function setWidth(id: string, width: number): void {
  widths.value = { ...widths.value, [id]: width };
  remember(key("widths"), widths.value);
}

export interface Sorting {
  field: Field;
  isDescending: boolean;
}

export const sorting = computed<Sorting | null>(() => {
  const text = route.value.options.get("sort") ?? "";
  const field = byId.value.get(text.replace(/^[-+]/, ""));
  return field ? { field, isDescending: text.startsWith("-") } : null;
});

/** Sort by a column: first its best, then the other way, then as it was. */
export function sortBy(field: Field): void {
  const now = sorting.value;
  const first = bestFirst(field);
  const next = now?.field.id !== field.id ? first : now.isDescending === first ? !first : null;
  setOptions({ sort: next === null ? null : `${next ? "-" : "+"}${field.id}` });
}

export const grouping = computed<Field | null>(() => byId.value.get(route.value.options.get("group") ?? "") ?? null);

export const text = computed(() => route.value.options.get("q") ?? "");
export const expression = computed(() => route.value.options.get("where") ?? "");

export const filterProblem = signal("");
const chosen = signal<{ expression: string; hashes: ReadonlySet<string> } | null>(null);

let asked = 0;

/** Have the present filter evaluated: by the server as `dws history --where` does it, or here. */
export async function applyFilter(): Promise<void> {
  const wanted = expression.value.trim();
  const number = ++asked;
  if (!wanted) {
    chosen.value = null;
    filterProblem.value = "";
    return;
  }
  try {
    const hashes = data.isExport
      ? (table.value?.rows ?? []).filter(condition(wanted, fields.value)).map((row) => row.hash)
      : await data.where(wanted);
    if (number === asked) {
      chosen.value = { expression: wanted, hashes: new Set(hashes) };
      filterProblem.value = "";
    }
  } catch (error) {
    if (number === asked) {
      const failure = asFailure(error);
      filterProblem.value = failure.message.replace(/^Error: /, "").replace(/^--where: /, "");
    }
  }
}

const haystacks = computed(() => {
  const about = fields.value.filter((field) => field.kind !== "metric");
  return new Map(
    (table.value?.rows ?? []).map((row) => {
      const texts = [row.hash, ...(row.tags ?? []), ...about.map((field) => field.value(row) ?? "")];
      return [row.hash, texts.join("\n").toLowerCase()];
    }),
  );
});

/** The rows that are shown, in their order. */
export const rows = computed<Row[]>(() => {
  let found = table.value?.rows ?? [];
  const hashes = chosen.value?.hashes;
  if (hashes) {
    found = found.filter((row) => hashes.has(row.hash));
  }
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) {
    found = found.filter((row) => words.every((word) => haystacks.value.get(row.hash)?.includes(word)));
  }
  const order = sorting.value;
  if (order) {
    const { field, isDescending } = order;
    const way = isDescending ? -1 : 1;
    found = [...found].sort((a, b) => way * compare(field.value(a), field.value(b), isDescending));
  }
  return found;
});

export type Line = { row: Row } | { group: string; count: number; key: string };

export const closed = signal<ReadonlySet<string>>(new Set());

export function toggleGroup(group: string): void {
  const next = new Set(closed.value);
  if (!next.delete(group)) {
    next.add(group);
  }
  closed.value = next;
}

/** The rows, under a line for each group where they are grouped. */
export const lines = computed<Line[]>(() => {
  const field = grouping.value;
  if (!field) {
    return rows.value.map((row) => ({ row }));
  }
  const groups = new Map<string, Row[]>();
  for (const row of rows.value) {
    const value = String(field.value(row) ?? "");
    const members = groups.get(value);
    members ? members.push(row) : groups.set(value, [row]);
  }
  return [...groups].flatMap(([value, members]): Line[] => [
    { group: value, count: members.length, key: value },
    ...(closed.value.has(value) ? [] : members.map((row) => ({ row }))),
  ]);
});
