"use strict";
// The drawing: nodes with their looks, in the colours of the style sheet, and what is marked in it.

const Drawing = (() => {
  const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif';
  const SHAPES = {
    step: { shape: "round-rectangle", "corner-radius": 9 },
    source: { shape: "barrel" },
    intermediate: { shape: "polygon", "shape-polygon-points": "-1 -1 0.84 -1 1 1 -0.84 1" },
    result: { shape: "polygon", "shape-polygon-points": "-0.86 -1 0.86 -1 1 0 0.86 1 -0.86 1 -1 0" },
    imported: { shape: "cut-rectangle", "corner-radius": 14 },
    other: { shape: "ellipse" },
  };
  const TEXT_WIDTH = { step: 144, other: 118 };
  const FAR = 0.3;
  const measure = document.createElement("canvas").getContext("2d");
  measure.font = `14px ${FONT}`;

  const isFitting = (text, width) => text.length <= 200 && measure.measureText(text).width <= width;

  // A text cut in its middle: names that begin alike often differ at their ends.
  function fitting(text, width) {
    if (isFitting(text, width)) {
      return text;
    }
    const chars = [...text];
    const cut = (count) => {
      const end = Math.floor(count / 2);
      return `${chars.slice(0, count - end).join("")}…${chars.slice(chars.length - end).join("")}`;
    };
    let [least, most] = [1, Math.min(chars.length, 200)];
    while (least < most) {
      const middle = Math.ceil((least + most) / 2);
      [least, most] = isFitting(cut(middle), width) ? [middle, most] : [least, middle - 1];
    }
    return cut(least);
  }

  // A text in two lines, if it is too long for one; rather between its words than within them.
  function inTwo(text, width) {
    if (isFitting(text, width)) {
      return [text];
    }
    const chars = [...text.slice(0, 200)];
    let length = chars.findIndex((_, i) => !isFitting(chars.slice(0, i + 1).join(""), width));
    const word = chars.slice(0, length).join("").search(/[-_ ./:][^-_ ./:]*$/) + 1;
    length = word > length / 2 ? [...text.slice(0, word)].length : length;
    const first = chars.slice(0, length).join("");
    return [first, fitting(text.slice(first.length), width)];
  }

  // Three lines at most.
  function label(node) {
    const width = TEXT_WIDTH[node.look] ?? 136;
    const lines = node.subpath
      ? [node.resource, node.subpath].map((text) => fitting(Model.visible(text), width))
      : inTwo(Model.name(node), width);
    return [...lines, Model.detail(node)].join("\n");
  }

  function badge(sign, colour, text) {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="44" height="44" viewBox="0 0 22 22">' +
      `<circle cx="11" cy="11" r="10" fill="${colour}"/><text x="11" y="16" text-anchor="middle" fill="${text}" ` +
      `font-family="sans-serif" font-size="15" font-weight="bold">${sign}</text></svg>`;
    return `data:image/svg+xml,${encodeURIComponent(svg)}`;
  }

  function badged(selector, sign, dashes, colour, text) {
    return {
      selector,
      style: {
        "border-color": colour,
        "border-width": 3,
        "border-style": "dashed",
        "border-dash-pattern": dashes,
        "background-image": badge(sign, colour, text),
        "background-width": 26,
        "background-height": 26,
        "background-position-x": Layout.WIDTH - 22,
        "background-position-y": -11,
        "background-clip": "none",
        "background-image-containment": "over",
        "bounds-expansion": 14,
      },
    };
  }

  function style() {
    const sheet = getComputedStyle(document.documentElement);
    const colour = (name) => sheet.getPropertyValue(`--${name}`).trim();
    const looks = Object.entries(SHAPES).map(([look, shape]) => ({
      selector: `node.${look}`,
      style: {
        ...shape,
        "background-color": colour(`${look}-fill`),
        "border-color": colour(`${look}-line`),
        color: colour(`${look}-text`),
      },
    }));
    const arrow = (selector, name, line) => ({
      selector,
      style: { "line-color": colour(name), "target-arrow-color": colour(name), "line-style": line, "z-index": 5 },
    });
    const outline = (selector, width, name) => ({
      selector,
      style: { "outline-width": width, "outline-color": colour(name), "outline-offset": 4, "outline-opacity": 1 },
    });
    return [
      {
        selector: "node",
        style: {
          width: Layout.WIDTH,
          height: Layout.HEIGHT,
          label: "data(label)",
          "font-family": FONT,
          "font-size": 14,
          "line-height": 1.25,
          "text-wrap": "wrap",
          "text-max-width": 10000,
          "text-valign": "center",
          "text-halign": "center",
          "min-zoomed-font-size": 5.5,
          "border-width": 2,
          "overlay-opacity": 0,
        },
      },
      {
        selector: "edge",
        style: {
          "curve-style": "unbundled-bezier",
          "control-point-weights": (edge) => edge.scratch("weights") ?? [0.5],
          "control-point-distances": (edge) => edge.scratch("distances") ?? [0],
          "edge-distances": "endpoints",
          "source-endpoint": "90deg",
          "target-endpoint": "270deg",
          "target-arrow-shape": "triangle",
          "arrow-scale": 1,
          width: 1.6,
          "line-color": colour("edge"),
          "target-arrow-color": colour("edge"),
          "overlay-opacity": 0,
        },
      },
      ...looks,
      // Whoever made it, a step is filled.
      {
        selector: "node.imported.step",
        style: {
          ...SHAPES.imported,
          "background-color": colour("step-fill"),
          "border-color": colour("imported-line"),
          "border-width": 3,
          color: colour("step-text"),
        },
      },
      badged("node.stale", "!", [9, 5], colour("stale"), colour("stale-text")),
      badged("node.unknown", "?", [2.5, 4], colour("unknown"), colour("unknown-text")),
      // Seen from far, colours and lines are all that is left.
      ...Object.keys(SHAPES).map((look) => ({
        selector: `node.far.${look}`,
        style: { "background-color": colour(look === "step" ? "step-fill" : `${look}-line`) },
      })),
      { selector: "node.far.stale", style: { "background-color": colour("stale"), "background-image": "none" } },
      { selector: "node.far.unknown", style: { "background-color": colour("stage"), "background-image": "none" } },
      { selector: "edge.far", style: { width: 5 } },
      { selector: ".faded", style: { opacity: 0.22 } },
      arrow("edge.behind", "behind", "solid"),
      arrow("edge.ahead", "ahead", "dashed"),
      { selector: "edge.behind, edge.ahead", style: { width: 2.5 } },
      { selector: "edge.far.behind, edge.far.ahead", style: { width: 9 } },
      outline("node.behind", 2, "behind"),
      outline("node.ahead", 2, "ahead"),
      {
        selector: "node.found",
        style: {
          "underlay-color": colour("found"),
          "underlay-opacity": 0.75,
          "underlay-padding": 9,
          "underlay-shape": "round-rectangle",
        },
      },
      outline("node.chosen", 4, "accent"),
      outline("node.cursor", 4, "accent"),
    ];
  }

  function make(container) {
    const cy = cytoscape({
      container,
      elements: [
        ...Model.graph.nodes.map((node) => ({
          group: "nodes",
          data: { id: node.id, label: label(node) },
          classes: [node.look, node.kind, { "out of date": "stale", unknown: "unknown" }[node.state] ?? ""],
        })),
        ...Model.edges.map((edge, i) => ({ group: "edges", data: { id: `e${i}`, source: edge.source, target: edge.target } })),
      ],
      style: style(),
      layout: { name: "preset" },
      autoungrabify: true,
      boxSelectionEnabled: false,
      selectionType: "single",
      maxZoom: 3,
      minZoom: 0.005,
      hideEdgesOnViewport: Model.edges.length > 4000,
    });
    cy.on("zoom", () => {
      const is_far = cy.zoom() < FAR;
      if (is_far !== cy.scratch("far")) {
        cy.scratch("far", is_far);
        cy.batch(() => cy.elements().toggleClass("far", is_far));
      }
    });
    return cy;
  }

  // Show a node with all that it was made from and all that was made from it; null: nothing.
  function choose(cy, id) {
    cy.batch(() => {
      cy.elements().removeClass("chosen behind ahead faded");
      if (id === null) {
        return;
      }
      const behind = Model.ancestors(id);
      const ahead = Model.descendants(id);
      cy.elements().addClass("faded");
      cy.getElementById(id).removeClass("faded").addClass("chosen");
      const mark = (set, name) => {
        cy.nodes().filter((node) => set.has(node.id())).removeClass("faded").addClass(name);
        const isInside = (end) => end === id || set.has(end);
        cy.edges()
          .filter((edge) => isInside(edge.data("source")) && isInside(edge.data("target")))
          .removeClass("faded")
          .addClass(name);
      };
      mark(behind, "behind");
      mark(ahead, "ahead");
    });
  }

  function markFound(cy, ids) {
    const found = new Set(ids);
    cy.batch(() => {
      cy.nodes(".found").removeClass("found");
      cy.nodes().filter((node) => found.has(node.id())).addClass("found");
    });
  }

  return { make, style, choose, markFound };
})();
