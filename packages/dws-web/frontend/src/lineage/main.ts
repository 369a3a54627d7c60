// The script of the lineage: the pages of `dws web` show it in a place of theirs, and the page that `dws lineage graph`
// writes, which holds its data, is nothing else.

import "./lineage.css";
import type { LineagePage } from "./types";
import { type Options, View } from "./view";

declare global {
  interface Window {
    dwsLineage?: { show: (root: HTMLElement, page: LineagePage, options: Options) => { dispose: () => void } };
  }
}

window.dwsLineage = { show: (root, page, options) => new View(root, page, options) };

function showPage(page: LineagePage): void {
  const wantsDark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const show = (theme: string) => {
    root.dataset["theme"] = theme;
    document.getElementById("theme")?.setAttribute("aria-pressed", String(theme === "dark"));
  };
  new View(document.body, page, { isPage: true });
  show(wantsDark.matches ? "dark" : "light");
  wantsDark.addEventListener("change", () => show(wantsDark.matches ? "dark" : "light"));
  document.getElementById("theme")?.addEventListener("click", () => show(root.dataset["theme"] === "dark" ? "light" : "dark"));
  const area = document.getElementById("graph");
  if (area && page.width) {
    area.style.width = area.style.flexBasis = `${page.width}px`;
    document.body.classList.add("fixed-width");
  }
  if (area && page.height) {
    area.style.height = `${page.height}px`;
    document.body.classList.add("fixed-height");
  }
  document.addEventListener("keydown", (event) => {
    const field = document.getElementById("search");
    if (event.key === "/" && event.target !== field) {
      field?.focus();
      event.preventDefault();
    }
  });
}

const data = document.getElementById("data");
if (data?.textContent) {
  showPage(JSON.parse(data.textContent));
}
