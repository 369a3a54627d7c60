// Which page is shown, and how: all of it is in the address after the #, so that an address can be shared.

import { signal } from "@preact/signals";

export interface Route {
  page: string;
  names: string[];
  options: URLSearchParams;
}

function read(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [page = "", names = ""] = path.split("/");
  const decoded = names.split(",").filter(Boolean).map(safely);
  return { page, names: decoded, options: new URLSearchParams(query) };
}

function safely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = signal<Route>(read());

window.addEventListener("hashchange", () => (route.value = read()));

export const addressOf = (page: string, names: string[] = []) =>
  `#/${page}${names.length ? `/${names.map(encodeURIComponent).join(",")}` : ""}`;

/** Of the page that tells what was made from a place. */
export const impactAddress = (resource: string, path: string | null) =>
  `${addressOf("impact", [resource])}${path ? `?${new URLSearchParams({ path })}` : ""}`;

/** Change options of the present page, without an entry in the browser's history. */
export function setOptions(changes: Record<string, string | null>): void {
  const options = new URLSearchParams(route.value.options);
  for (const [name, value] of Object.entries(changes)) {
    value === null || value === "" ? options.delete(name) : options.set(name, value);
  }
  const path = addressOf(route.value.page, route.value.names);
  const query = options.toString();
  history.replaceState(null, "", query ? `${path}?${query}` : path);
  route.value = { ...route.value, options };
}
