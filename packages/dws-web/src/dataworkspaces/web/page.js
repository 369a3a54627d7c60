"use strict";
// What a person does on the page.

(() => {
  const byId = (id) => document.getElementById(id);
  const [area, field, count, live] = ["graph", "search", "count", "live"].map(byId);
  let cy = null;
  let chosen = null;
  let cursor = null;
  let found = [];
  let place = -1;

  const plural = (number, noun, nouns) => `${number} ${number === 1 ? noun : nouns}`;

  function describePage() {
    const { graph } = Model;
    const steps = graph.nodes.filter((node) => node.kind === "step").length;
    const of = graph.resource === null ? "all resources" : Model.visible(graph.resource);
    const tags = graph.tags.length ? `${graph.tags.map(Model.visible).join(", ")} ` : "";
    const hash = graph.snapshot === null ? "" : Model.visible(graph.snapshot.slice(0, 8));
    const at = graph.snapshot === null ? "now" : `snapshot ${tags}(${hash})`;
    const versions = plural(graph.nodes.length - steps, "version of data", "versions of data");
    byId("title").textContent = `Lineage of ${of}`;
    byId("subtitle").textContent =
      `Workspace ${Model.visible(graph.workspace)} · ${at} · ${plural(steps, "step", "steps")}, ${versions}`;
    document.title = `Lineage of ${of} – ${Model.visible(graph.workspace)}`;
    const used = new Set(graph.nodes.flatMap((node) => [node.look, node.state]));
    for (const item of document.querySelectorAll("#legend [data-only]")) {
      item.hidden = !used.has(item.dataset.only);
    }
    byId("empty").hidden = graph.nodes.length > 0;
  }

  // -- what is seen ---------------------------------------------------------------------------------------------

  // The whole graph; if that would make dots of its nodes, its end, where the results are.
  function fit() {
    if (!cy.nodes().length) {
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

  // A page in a frame that is not shown yet has no size: it is fitted to the first one that it gets.
  let wasHidden = true;

  function resized() {
    cy.resize();
    if (wasHidden && area.clientWidth) {
      fit();
    }
    wasHidden = wasHidden && !area.clientWidth;
  }

  function zoom(factor) {
    cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  }

  // Bring a node into view, large enough to read.
  function goTo(id) {
    if (cy.zoom() < 0.45) {
      cy.zoom(0.75);
      cy.center(cy.getElementById(id));
    }
    uncover(id);
    setCursor(id);
  }

  function uncover(id) {
    const node = cy.getElementById(id);
    const box = node.renderedBoundingBox();
    if (box.x1 < 0 || box.y1 < 0 || box.x2 > cy.width() || box.y2 > cy.height()) {
      cy.center(node);
    }
  }

  function setCursor(id) {
    cy.nodes(".cursor").removeClass("cursor");
    cursor = id;
    if (id === null) {
      return;
    }
    cy.getElementById(id).addClass("cursor");
    const node = Model.nodes.get(id);
    const sides = `${Model.before.get(id).length} before, ${Model.after.get(id).length} after`;
    live.textContent = `${Panel.LOOKS[node.look]} ${Model.name(node)}, ${Panel.STATES[node.state]}, ${sides}`;
  }

  function choose(id, look = goTo) {
    chosen = id;
    Drawing.choose(cy, id);
    if (id === null) {
      Panel.hide();
    } else {
      Panel.show(id);
    }
    // The panel takes its place from the drawing.
    cy.resize();
    if (id !== null) {
      look(id);
    }
  }

  function close() {
    if (chosen !== null) {
      choose(null);
      area.focus({ preventScroll: true });
    }
  }

  // -- search ---------------------------------------------------------------------------------------------------

  function search() {
    found = Model.search(field.value);
    found.sort((a, b) => {
      const [one, other] = [a, b].map((id) => cy.getElementById(id).position());
      return one.x - other.x || one.y - other.y;
    });
    place = -1;
    Drawing.markFound(cy, found);
    count.textContent = field.value.trim() ? (found.length ? plural(found.length, "match", "matches") : "no match") : "";
  }

  function next(step) {
    if (found.length) {
      place = place < 0 && step < 0 ? found.length - 1 : (place + step + found.length) % found.length;
      goTo(found[place]);
      count.textContent = `${place + 1} of ${found.length}`;
    }
  }

  // -- keyboard -------------------------------------------------------------------------------------------------

  // The node that an arrow key leads to: along an edge, or up and down in the column.
  function neighbour(key) {
    const here = cy.getElementById(cursor).position();
    const along = { ArrowLeft: Model.before, ArrowRight: Model.after }[key];
    const distance = (id) => {
      const there = cy.getElementById(id).position();
      return Math.abs(there.x - here.x) + Math.abs(there.y - here.y);
    };
    const sign = key === "ArrowUp" ? -1 : 1;
    const candidates = along
      ? along.get(cursor)
      : [...Model.nodes.keys()].filter((id) => {
          const there = cy.getElementById(id).position();
          return Math.abs(there.x - here.x) < Layout.WIDTH / 2 && sign * (there.y - here.y) > 1;
        });
    return candidates.reduce((best, id) => (best === null || distance(id) < distance(best) ? id : best), null);
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const zooms = { "+": 1.25, "=": 1.25, "-": 0.8 };
    if (event.key in zooms) {
      zoom(zooms[event.key]);
    } else if (event.key === "0" || event.key === "f") {
      fit();
    } else if (event.key.startsWith("Arrow") && cy.nodes().length) {
      const first = cy.nodes().min((node) => node.position("x")).ele.id();
      goTo(cursor === null ? first : (neighbour(event.key) ?? cursor));
    } else if ((event.key === "Enter" || event.key === " ") && cursor !== null) {
      choose(cursor);
    } else {
      return;
    }
    event.preventDefault();
  }

  // -- theme ----------------------------------------------------------------------------------------------------

  const wantsDark = window.matchMedia("(prefers-color-scheme: dark)");

  function showTheme(theme) {
    document.documentElement.dataset.theme = theme;
    byId("theme").setAttribute("aria-pressed", String(theme === "dark"));
    if (cy) {
      cy.style(Drawing.style());
    }
  }

  // -- start ----------------------------------------------------------------------------------------------------

  function listen() {
    cy.on("tap", (event) => event.target === cy && choose(null));
    // What was clicked stays where it is, unless the panel would cover it.
    cy.on("tap", "node", (event) => choose(event.target.id(), (id) => (uncover(id), setCursor(id))));
    cy.on("mouseover", "node", () => (area.style.cursor = "pointer"));
    cy.on("mouseout", "node", () => (area.style.cursor = ""));
    Panel.onChoose((id) => choose(id));
    byId("close").addEventListener("click", close);
    byId("fit").addEventListener("click", fit);
    byId("zoom-in").addEventListener("click", () => zoom(1.25));
    byId("zoom-out").addEventListener("click", () => zoom(0.8));
    area.addEventListener("keydown", onKey);
    field.addEventListener("input", search);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        next(event.shiftKey ? -1 : 1);
        event.preventDefault();
      } else if (event.key === "Escape" && field.value) {
        field.value = "";
        search();
        event.stopPropagation();
      }
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        close();
      } else if (event.key === "/" && event.target !== field) {
        field.focus();
        event.preventDefault();
      }
    });
    new ResizeObserver(resized).observe(area);
    // A frame that is moved has no size for a moment, of which no observer is told. Cytoscape, which looks at times of
    // its own, may see it, and would draw nothing from then on: it looks again once the browser shows the page.
    cy.on("resize", () => area.clientWidth || requestAnimationFrame(() => cy.resize()));
  }

  function start() {
    cy = Drawing.make(area);
    const layout = Layout.run(cy);
    fit();
    wasHidden = !area.clientWidth;
    listen();
    Object.assign(document.body.dataset, { layout: layout.name, milliseconds: Math.round(layout.milliseconds) });
    byId("wait").hidden = true;
    document.body.dataset.ready = "";
  }

  const { width, height } = Model.page;
  if (width) {
    area.style.width = area.style.flexBasis = `${width}px`;
    document.body.classList.add("fixed-width");
  }
  if (height) {
    area.style.height = `${height}px`;
    document.body.classList.add("fixed-height");
  }
  showTheme(wantsDark.matches ? "dark" : "light");
  wantsDark.addEventListener("change", () => showTheme(wantsDark.matches ? "dark" : "light"));
  byId("theme").addEventListener("click", () =>
    showTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
  );
  Object.assign(byId("legend"), { open: window.innerWidth > 760, hidden: Model.graph.nodes.length === 0 });
  describePage();
  // Once the browser has shown that something is going on.
  requestAnimationFrame(() => setTimeout(start));
})();
