// Where the data comes from: the server, or the scripts of an export, which a page may load from a file.

import type { About, Difference, Experiments, Lines, Listing, Preview, Snapshot } from "./types";

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
  let answer: Response;
  try {
    answer = await fetch(
      path,
      body === undefined
        ? {}
        : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) },
    );
  } catch {
    throw new Failure("The server does not answer", "Start it again with: dws web");
  }
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

export const experiments = () =>
  isExport ? script<Experiments>("experiments") : ask<Experiments>("api/experiments");

export const snapshot = (name: string) =>
  isExport ? script<Snapshot>(`snapshot-${name}`) : ask<Snapshot>(`api/snapshots/${encodeURIComponent(name)}`);

export const where = (expression: string) => ask<string[]>(`api/where?${query({ expression })}`);

export const listing = (at: string, resource: string, path: string) =>
  ask<Listing>(`api/listing?${query({ at, resource, path })}`);

export const preview = (at: string, resource: string, path: string) =>
  ask<Preview>(`api/preview?${query({ at, resource, path })}`);

export const downloadAddress = (at: string, resource: string, path: string) =>
  `download?${query({ at, resource, path })}`;

export const lineageAddress = (name: string) =>
  isExport ? `lineage-${encodeURIComponent(name)}.html` : `lineage/${encodeURIComponent(name)}`;

export const setLabels = (hash: string, labels: string[]) => ask<About>(`api/snapshots/${hash}/labels`, labels);

export const addNote = (hash: string, text: string) => ask<About>(`api/snapshots/${hash}/notes`, text);

export const difference = (first: string, second: string) =>
  ask<Difference>(`api/difference?${query({ first, second })}`);

export const lines = (first: string, second: string, resource: string, old: string, now: string) =>
  ask<Lines>(`api/lines?${query({ first, second, resource, old, new: now })}`);
