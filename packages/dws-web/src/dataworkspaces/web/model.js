"use strict";
// What is drawn, and how it is told in words. Names and values come from anywhere: they reach the page as text of
// elements or of the canvas, through visible(), and never as HTML.

const Model = (() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const graph = page.graph;
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const edges = graph.edges.filter((edge) => nodes.has(edge.source) && nodes.has(edge.target));
  const before = new Map(graph.nodes.map((node) => [node.id, []]));
  const after = new Map(graph.nodes.map((node) => [node.id, []]));
  for (const edge of edges) {
    before.get(edge.target).push(edge.source);
    after.get(edge.source).push(edge.target);
  }

  // Control characters, what reverses the direction of text, line separators, and halves of characters.
  const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/gu;
  const NAMED = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

  function visible(text) {
    return String(text).replace(UNSAFE, (char) => {
      const code = char.charCodeAt(0).toString(16);
      return NAMED[char] ?? (code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`);
    });
  }

  // A value of a parameter or a metric, which may be any JSON.
  function valueText(value) {
    return visible(typeof value === "string" ? value : JSON.stringify(value));
  }

  function place(node) {
    return node.subpath ? `${node.resource}:${node.subpath}` : node.resource;
  }

  function name(node) {
    return visible(node.kind === "step" ? node.name : place(node)) || "(no name)";
  }

  // A version, in a word; the whole of a hash is in the panel.
  function version(cert) {
    if (cert.hash) {
      return visible(cert.hash.slice(0, 8));
    }
    return cert.version === null || cert.version === undefined ? "no version" : `version ${cert.version}`;
  }

  function when(time) {
    return visible(time.slice(0, 19).replace("T", " "));
  }

  // The second line of a node.
  function detail(node) {
    return node.kind === "step" ? when(node.start_time).slice(0, 16) : version(node);
  }

  function duration(seconds) {
    if (seconds < 60) {
      return `${Number(seconds.toPrecision(3))} s`;
    }
    const minutes = Math.floor(seconds / 60);
    const parts = [Math.floor(minutes / 60), minutes % 60, Math.round(seconds % 60)];
    return `${parts[0] ? `${parts[0]} h ` : ""}${parts[1]} min ${parts[2]} s`;
  }

  function environment(step) {
    return step.environment === null ? null : page.environments[step.environment];
  }

  // All that search looks at, in lower case.
  function searched(node) {
    const texts = node.kind === "step" ? [node.name] : [node.resource, place(node)];
    for (const [key, value] of Object.entries(node.parameters ?? {})) {
      texts.push(`${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
    }
    return texts.map((text) => text.toLowerCase());
  }

  const index = graph.nodes.map((node) => [node.id, searched(node)]);

  // The nodes that a text is found in, as ids.
  function search(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) {
      return [];
    }
    return index.filter(([, texts]) => texts.some((candidate) => candidate.includes(wanted))).map(([id]) => id);
  }

  // All that is reached from a node along `next`, without the node.
  function reached(id, next) {
    const found = new Set();
    const pending = [id];
    while (pending.length) {
      for (const other of next.get(pending.pop())) {
        if (other !== id && !found.has(other)) {
          found.add(other);
          pending.push(other);
        }
      }
    }
    return found;
  }

  return {
    ...{ page, graph, nodes, edges, before, after },
    ...{ visible, valueText, place, name, version, when, detail, duration, environment, search },
    ancestors: (id) => reached(id, before),
    descendants: (id) => reached(id, after),
  };
})();
