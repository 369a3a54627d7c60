// What the pages share.

import { signal } from "@preact/signals";
import * as data from "./data";
import type { About, Experiments } from "./types";

export const table = signal<Experiments | null>(null);
export const problem = signal<data.Failure | null>(null);
/** The hashes of the rows that are chosen, to compare them. */
export const selected = signal<ReadonlySet<string>>(new Set());
/** What is told once, in a corner of the page. */
export const notice = signal("");

/** What says which table it is that is shown. */
let tag: string | null = null;

/** Show the table: what was kept of it at once, and then as it is.
 * @param anew - read all of it again, though nothing seems to have changed. */
export async function reload(anew = false): Promise<void> {
  try {
    if (table.value === null) {
      show(await data.keptExperiments());
    }
    show(await data.experiments(tag, anew));
    problem.value = null;
  } catch (error) {
    problem.value = asFailure(error);
  }
}

function show(found: data.Tagged | null): void {
  if (found) {
    table.value = found.table;
    tag = found.tag;
  }
}

export function asFailure(error: unknown): data.Failure {
  return error instanceof data.Failure ? error : new data.Failure(String(error));
}

/** What an edit made of a snapshot. */
export function replaceAbout(about: About): void {
  const now = table.value;
  if (now) {
    table.value = { ...now, rows: now.rows.map((row) => (row.hash === about.hash ? { ...row, ...about } : row)) };
  }
}

export function toggle(hash: string): void {
  const next = new Set(selected.value);
  if (!next.delete(hash)) {
    next.add(hash);
  }
  selected.value = next;
}

let forgetting = 0;

export function tell(text: string): void {
  notice.value = text;
  window.clearTimeout(forgetting);
  forgetting = window.setTimeout(() => (notice.value = ""), 4000);
}

export function remembered<T>(key: string, fallback: T): T {
  try {
    const found = localStorage.getItem(`dws-web:${key}`);
    return found === null ? fallback : (JSON.parse(found) as T);
  } catch {
    return fallback; // a page from a file may have no storage
  }
}

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`dws-web:${key}`, JSON.stringify(value));
  } catch {
    // Nothing is lost but a preference.
  }
}
