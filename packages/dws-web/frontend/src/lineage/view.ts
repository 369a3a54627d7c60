// A lineage that is shown, and what a person does with it.

import type { Core } from "cytoscape";
import { make as makeDrawing, mark, markFound, style } from "./drawing";
import { type Frame, frame } from "./frame";
import * as layout from "./layout";
import { Model, name } from "./model";
import { LOOKS, Panel, STATES } from "./panel";
import { download, png, svgText } from "./picture";
import type { LineagePage, Version } from "./types";

/** Files get nodes at once where the graph stays as small as this. */
const MOST_NODES_WITH_FILES = 200;

export interface Options {
  /** Whether it is all of the page: it then has a title and chooses its colours. */
  isPage: boolean;
  impactAddress?: (version: Version) => string;
}

export class View {
  private readonly whole: Model;
  private readonly filed: Model;
  private readonly frame: Frame;
  private readonly panel: Panel;
  private readonly ending = new AbortController();
  private readonly observers: { disconnect(): void }[] = [];
  private model: Model;
  private cy: Core | null = null;
  private chosen: string | null = null;
  private cursor: string | null = null;
  private narrowedTo: string | null = null;
  private hasFiles: boolean;
  private found: string[] = [];
  private place = -1;
  /** A page in a frame that is not shown yet has no size: it is fitted to the first one that it gets. */
  private wasHidden = true;

  constructor(
    private readonly root: HTMLElement,
    page: LineagePage,
    options: Options,
  ) {
    this.whole = new Model(page);
    this.filed = this.whole.withFiles();
    this.hasFiles = this.filed !== this.whole && this.filed.nodes.size <= MOST_NODES_WITH_FILES;
    this.model = this.hasFiles ? this.filed : this.whole;
    root.classList.add("lineage");
    this.frame = frame(root, this.whole, options.isPage);
    this.frame.files.hidden = this.filed === this.whole;
    this.panel = new Panel({
      choose: (id) => this.choose(id),
      narrow: (id) => this.narrow(id),
      impactAddress: options.impactAddress ?? null,
    });
    this.frame.body.append(this.panel.element);
    this.listen();
    // Once the browser has shown that something is going on.
    requestAnimationFrame(() => setTimeout(() => this.ending.signal.aborted || this.draw()));
  }

  dispose(): void {
    this.ending.abort();
    this.observers.forEach((observer) => observer.disconnect());
    this.cy?.destroy();
    this.root.replaceChildren();
  }

  private draw(): void {
    const { area, wait, files } = this.frame;
    this.cy?.destroy();
    const cy = (this.cy = makeDrawing(area, this.root, this.model));
    const done = layout.run(cy, this.model);
    this.fit();
    this.wasHidden = !area.clientWidth;
    cy.on("tap", (event) => void (event.target === cy && this.choose(null)));
    // What was clicked stays where it is, unless the panel would cover it.
    cy.on("tap", "node", (event) => this.choose(event.target.id(), (id) => (this.uncover(id), this.setCursor(id))));
    cy.on("mouseover", "node", () => void area.classList.add("pointing"));
    cy.on("mouseout", "node", () => void area.classList.remove("pointing"));
    // A frame that is moved has no size for a moment, of which no observer is told. Cytoscape, which looks at times of
    // its own, may see it, and would draw nothing from then on: it looks again once the browser shows the page.
    cy.on("resize", () => void (area.clientWidth || requestAnimationFrame(() => void cy.resize())));
    Object.assign(this.root.dataset, { layout: done.name, milliseconds: Math.round(done.milliseconds), ready: "" });
    files.setAttribute("aria-pressed", String(this.hasFiles));
    wait.hidden = true;
  }

  // -- what is seen ---------------------------------------------------------------------------------------------

  /** The whole graph; if that would make dots of its nodes, its end, where the results are. */
  private fit(): void {
    const cy = this.cy;
    if (!cy?.nodes().length) {
      return;
    }
    cy.fit(undefined, 48);
    if (cy.zoom() > 1.15) {
      cy.zoom(1.15);
      cy.center();
    }
    if (cy.zoom() < 0.035) {
      const last = cy.nodes().max((node) => node.position("x")).ele;
      cy.zoom(0.6);
      cy.center(last);
      cy.panBy({ x: cy.width() * 0.35, y: 0 });
    }
  }

  private zoom(factor: number): void {
    const cy = this.cy;
    cy?.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  }

  /** Bring a node into view, large enough to read. */
  private goTo(id: string): void {
    const cy = this.cy;
    if (cy && cy.zoom() < 0.45) {
      cy.zoom(0.75);
      cy.center(cy.getElementById(id));
    }
    this.uncover(id);
    this.setCursor(id);
  }

  private uncover(id: string): void {
    const cy = this.cy;
    const node = cy?.getElementById(id);
    const box = node?.renderedBoundingBox();
    if (cy && node && box && (box.x1 < 0 || box.y1 < 0 || box.x2 > cy.width() || box.y2 > cy.height())) {
      cy.center(node);
    }
  }

  private setCursor(id: string | null): void {
    this.cy?.nodes(".cursor").removeClass("cursor");
    this.cursor = id;
    if (id === null) {
      return;
    }
    this.cy?.getElementById(id).addClass("cursor");
    const node = this.model.node(id);
    const sides = `${this.model.sources(id).length} before, ${this.model.targets(id).length} after`;
    this.frame.live.textContent = `${LOOKS[node.look]} ${name(node)}, ${STATES[node.state]}, ${sides}`;
  }

  private choose(id: string | null, look = (found: string) => this.goTo(found)): void {
    this.chosen = id;
    if (this.cy) {
      mark(this.cy, this.model, id);
    }
    id === null ? this.panel.hide() : this.panel.show(this.model, id);
    this.root.classList.toggle("has-choice", id !== null);
    // The panel takes its place from the drawing.
    this.cy?.resize();
    if (id !== null) {
      look(id);
    }
  }

  private close(): void {
    if (this.chosen !== null) {
      this.choose(null);
      this.frame.area.focus({ preventScroll: true });
    }
  }

  /** Show only what belongs to a node; null: all again. */
  private narrow(id: string | null): void {
    this.narrowedTo = id;
    const { narrowed, area } = this.frame;
    narrowed.hidden = id === null;
    const all = this.hasFiles ? this.filed : this.whole;
    if (id !== null && narrowed.firstElementChild && all.nodes.has(id)) {
      narrowed.firstElementChild.textContent = `Only the lineage of ${name(all.node(id))}`;
    }
    this.show(id !== null && all.nodes.has(id) ? all.around(id) : all);
    if (id === null) {
      area.focus({ preventScroll: true });
    }
  }

  private show(model: Model): void {
    const chosen = this.chosen;
    this.model = model;
    this.cursor = null;
    this.draw();
    this.search();
    this.choose(chosen !== null && model.nodes.has(chosen) ? chosen : null, (id) => (this.uncover(id), this.setCursor(id)));
  }

  // -- search ---------------------------------------------------------------------------------------------------

  private search(): void {
    const { field, count } = this.frame;
    const cy = this.cy;
    if (!cy) {
      return;
    }
    this.found = this.model.search(field.value);
    this.found.sort((a, b) => {
      const [one, other] = [cy.getElementById(a).position(), cy.getElementById(b).position()];
      return one.x - other.x || one.y - other.y;
    });
    this.place = -1;
    markFound(cy, this.found);
    const number = this.found.length;
    count.textContent = field.value.trim() ? (number ? `${number} ${number === 1 ? "match" : "matches"}` : "no match") : "";
  }

  private next(step: 1 | -1): void {
    const number = this.found.length;
    if (number) {
      this.place = this.place < 0 && step < 0 ? number - 1 : (this.place + step + number) % number;
      this.goTo(this.found[this.place] ?? "");
      this.frame.count.textContent = `${this.place + 1} of ${number}`;
    }
  }

  // -- keyboard -------------------------------------------------------------------------------------------------

  /** The node that an arrow key leads to: along an edge, or up and down in the column. */
  private neighbour(cy: Core, from: string, key: string): string | null {
    const here = cy.getElementById(from).position();
    const distance = (id: string) => {
      const there = cy.getElementById(id).position();
      return Math.abs(there.x - here.x) + Math.abs(there.y - here.y);
    };
    const sign = key === "ArrowUp" ? -1 : 1;
    const inColumn = () =>
      [...this.model.nodes.keys()].filter((id) => {
        const there = cy.getElementById(id).position();
        return Math.abs(there.x - here.x) < layout.WIDTH / 2 && sign * (there.y - here.y) > 1;
      });
    const candidates = key === "ArrowLeft" ? this.model.sources(from) : key === "ArrowRight" ? this.model.targets(from) : inColumn();
    return candidates.reduce<string | null>((best, id) => (best === null || distance(id) < distance(best) ? id : best), null);
  }

  private onKey(event: KeyboardEvent): void {
    const cy = this.cy;
    if (!cy || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const zooms: Record<string, number> = { "+": 1.25, "=": 1.25, "-": 0.8 };
    const factor = zooms[event.key];
    if (factor !== undefined) {
      this.zoom(factor);
    } else if (event.key === "0" || event.key === "f") {
      this.fit();
    } else if (event.key.startsWith("Arrow") && cy.nodes().length) {
      const first = cy.nodes().min((node) => node.position("x")).ele.id();
      this.goTo(this.cursor === null ? first : (this.neighbour(cy, this.cursor, event.key) ?? this.cursor));
    } else if ((event.key === "Enter" || event.key === " ") && this.cursor !== null) {
      this.choose(this.cursor);
    } else {
      return;
    }
    event.preventDefault();
  }

  // -- start ----------------------------------------------------------------------------------------------------

  private listen(): void {
    const { area, field, buttons, files, showAll } = this.frame;
    const { signal } = this.ending;
    this.panel.close.addEventListener("click", () => this.close());
    buttons.fit.addEventListener("click", () => this.fit());
    buttons.zoomIn.addEventListener("click", () => this.zoom(1.25));
    buttons.zoomOut.addEventListener("click", () => this.zoom(0.8));
    const fileName = `lineage-${this.whole.page.graph.resource ?? "all"}`.replace(/[^\w.-]/g, "_");
    buttons.png.addEventListener("click", () => this.cy && download(png(this.cy, this.root), `${fileName}.png`));
    buttons.svg.addEventListener("click", () => {
      if (this.cy) {
        download(new Blob([svgText(this.cy, this.model, this.root)], { type: "image/svg+xml" }), `${fileName}.svg`);
      }
    });
    files.addEventListener("click", () => {
      this.hasFiles = !this.hasFiles;
      this.narrow(this.narrowedTo);
    });
    showAll.addEventListener("click", () => this.narrow(null));
    area.addEventListener("keydown", (event) => this.onKey(event));
    field.addEventListener("input", () => this.search());
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        this.next(event.shiftKey ? -1 : 1);
        event.preventDefault();
      } else if (event.key === "Escape" && field.value) {
        field.value = "";
        this.search();
        event.stopPropagation();
      }
    });
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.close(), { signal });
    const resized = new ResizeObserver(() => this.resized());
    resized.observe(area);
    const themed = new MutationObserver(() => this.cy?.style(style(this.root)));
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.observers.push(resized, themed);
  }

  private resized(): void {
    const { area } = this.frame;
    this.cy?.resize();
    if (this.wasHidden && area.clientWidth) {
      this.fit();
    }
    this.wasHidden = this.wasHidden && !area.clientWidth;
  }
}
