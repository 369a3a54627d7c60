// Where the data comes from: the server, or the scripts of an export, which a page may load from a file.

import type { LineagePage } from "./lineage/types";
import type { About, Difference, Experiments, Impact, Lines, Listing, LiveRun, RowChanges, Preview, Snapshot } from "./types";

export const isExport = document.documentElement.dataset["mode"] === "export";

declare global {
  interface Window {
    dwsData?: Record<string, unknown>;
  }
}

export class Failure extends Error {
  constructor(
    message: string,
    readonly hint: string | null = null,
  ) {
    super(message);
  }
}

async function ask<T>(path: string, body?: unknown): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  return read<T>(await request(path, body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) }));
}

async function request(path: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(path, options);
  } catch {
    throw new Failure("The server does not answer", "Start it again with: dws web");
  }
}

async function read<T>(answer: Response): Promise<T> {
  const type = answer.headers.get("Content-Type") ?? "";
  if (!type.startsWith("application/json")) {
    throw new Failure((await answer.text()).trim() || `The server answered ${answer.status}`);
  }
  const data = await answer.json();
  if (!answer.ok) {
    throw new Failure(data.error, data.hint);
  }
  return data as T;
}

function script<T>(name: string): Promise<T> {
  const known = () => window.dwsData?.[name] as T | undefined;
  return new Promise((resolve, reject) => {
    const found = known();
    if (found !== undefined) {
      resolve(found);
      return;
    }
    const element = document.createElement("script");
    element.src = `data/${name}.js`;
    const missing = () => reject(new Failure("This export does not hold that", "dws web export --help"));
    element.onload = () => {
      const loaded = known();
      loaded === undefined ? missing() : resolve(loaded);
    };
    element.onerror = missing;
    document.head.append(element);
  });
}

const query = (values: Record<string, string>) => new URLSearchParams(values).toString();

/** What the server kept of the table, at once; null if it has nothing, or needs not be asked. */
export const keptExperiments = () => (isExport ? Promise.resolve(null) : tagged("api/experiments/kept", null));

/** The table as it is now; null if it is the one that the tag is of.
 * @param anew - read all of it again, though nothing seems to have changed. */
export const experiments = (known: string | null, anew = false): Promise<Tagged | null> =>
  isExport
    ? script<Experiments>("experiments").then((table) => ({ table, tag: "" }))
    : tagged(anew ? "api/experiments?anew=1" : "api/experiments", known);

/** The runs under way; null if they are those that the tag is of. */
export async function live(known: string | null): Promise<{ runs: LiveRun[]; tag: string } | null> {
  const answer = await request("api/live", known === null ? {} : { headers: { "If-None-Match": known } });
  return answer.status === 304 ? null : { ...(await read<{ runs: LiveRun[] }>(answer)), tag: answer.headers.get("ETag") ?? "" };
}

export interface Tagged {
  table: Experiments;
  tag: string;
}

async function tagged(path: string, known: string | null): Promise<Tagged | null> {
  const answer = await request(path, known === null ? {} : { headers: { "If-None-Match": known } });
  if (answer.status === 304 || answer.status === 204) {
    return null;
  }
  return { table: await read<Experiments>(answer), tag: answer.headers.get("ETag") ?? "" };
}

export const snapshot = (name: string) =>
  isExport ? script<Snapshot>(`snapshot-${name}`) : ask<Snapshot>(`api/snapshots/${encodeURIComponent(name)}`);

export const where = (expression: string) => ask<string[]>(`api/where?${query({ expression })}`);

export const listing = (at: string, resource: string, path: string) =>
  ask<Listing>(`api/listing?${query({ at, resource, path })}`);

export const preview = (at: string, resource: string, path: string) =>
  ask<Preview>(`api/preview?${query({ at, resource, path })}`);

export const downloadAddress = (at: string, resource: string, path: string) =>
  `download?${query({ at, resource, path })}`;

export const lineage = (name: string) =>
  isExport ? script<LineagePage>(`lineage-${name}`) : ask<LineagePage>(`api/lineage/${encodeURIComponent(name)}`);

export const impact = (resource: string, path: string) => ask<Impact>(`api/impact?${query({ resource, path })}`);

export const setLabels = (hash: string, labels: string[]) => ask<About>(`api/snapshots/${hash}/labels`, labels);

export const addNote = (hash: string, text: string) => ask<About>(`api/snapshots/${hash}/notes`, text);

export const difference = (first: string, second: string) =>
  ask<Difference>(`api/difference?${query({ first, second })}`);

export const lines = (first: string, second: string, resource: string, old: string, now: string) =>
  ask<Lines>(`api/lines?${query({ first, second, resource, old, new: now })}`);

export const rows = (first: string, second: string, resource: string, old: string, now: string) =>
  ask<RowChanges>(`api/rows?${query({ first, second, resource, old, new: now })}`);
