"use strict";
// The panel with all that is known of one node.

const Panel = (() => {
  const STATES = { current: "up to date", "out of date": "out of date", unknown: "unknown" };
  const LOOKS = {
    step: "Step",
    source: "Source data",
    intermediate: "Intermediate data",
    result: "Result",
    imported: "Imported",
    other: "Other data",
  };
  const element = document.getElementById("panel");
  const content = document.getElementById("panel-content");
  let choose = () => {};

  // An element with text in it, and nothing but text.
  function make(tag, text, className) {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) {
      made.textContent = text;
      made.dir = "auto";
    }
    if (className) {
      made.className = className;
    }
    return made;
  }

  function section(title, ...children) {
    const made = make("section");
    made.append(make("h3", title), ...children);
    return made;
  }

  // Names and values; what is null is left out. Returns null if nothing is left.
  function table(entries) {
    const list = make("dl");
    for (const [key, value, className] of entries) {
      if (value !== null && value !== undefined) {
        list.append(make("dt", Model.visible(key)), make("dd", value, className));
      }
    }
    return list.children.length ? list : null;
  }

  function values(mapping) {
    const flat = [];
    for (const [key, value] of Object.entries(mapping ?? {})) {
      if (value !== null && typeof value === "object" && !Array.isArray(value)) {
        flat.push(...Object.entries(value).map(([inner, item]) => [`${key} / ${inner}`, Model.valueText(item)]));
      } else {
        flat.push([key, Model.valueText(value)]);
      }
    }
    return table(flat);
  }

  function links(ids) {
    const list = make("ul", null, "links");
    for (const id of ids) {
      const node = Model.nodes.get(id);
      const button = make("button", null, `link ${node.look}`);
      button.type = "button";
      button.append(make("span", Model.name(node), "name"), make("span", Model.detail(node), "detail"));
      if (node.state !== "current") {
        button.append(make("span", STATES[node.state], `state ${stateClass(node)}`));
      }
      button.addEventListener("click", () => choose(id));
      const item = make("li");
      item.append(button);
      list.append(item);
    }
    return ids.length ? list : null;
  }

  function certs(list) {
    const made = make("ul", null, "versions");
    for (const cert of list) {
      const item = make("li");
      item.append(make("span", Model.visible(Model.place(cert)), "name"));
      item.append(make("code", cert.hash ? Model.visible(cert.hash) : Model.version(cert)));
      made.append(item);
    }
    return list.length ? made : null;
  }

  // As a shell would need it to be written.
  function commandLine(words) {
    return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
  }

  function stateClass(node) {
    return { "out of date": "stale", unknown: "unknown" }[node.state] ?? "current";
  }

  function reasons(node) {
    const list = make("ul", null, "reasons");
    list.append(...node.reasons.map((reason) => make("li", Model.visible(reason))));
    return node.reasons.length ? list : null;
  }

  function distributions(environment) {
    const entries = Object.entries(environment.distributions ?? {});
    if (!entries.length) {
      return null;
    }
    const made = make("details");
    made.append(make("summary", `${entries.length} distribution${entries.length === 1 ? "" : "s"}`));
    made.append(table(entries.map(([name, version]) => [name, Model.visible(version)])));
    return made;
  }

  function cells(notebook) {
    const order = notebook.executed.map((cell) => cell ?? "?").join(", ");
    return notebook.top_to_bottom ? `${order} (top to bottom)` : order;
  }

  function stepSections(step) {
    const environment = Model.environment(step);
    const overview = [
      ["Started", Model.when(step.start_time)],
      ["Duration", step.execution_time_seconds === null ? null : Model.duration(step.execution_time_seconds)],
      ["Exit status", step.exit_status === null ? null : String(step.exit_status)],
      ["User", step.user === null ? null : Model.visible(step.user)],
      ["Notebook cells", step.notebook?.executed.length ? cells(step.notebook) : null],
      ["Directory", step.run_from_directory === null ? null : Model.visible(step.run_from_directory)],
      ["Origin", step.imported ? "another workspace" : null],
    ];
    const command = step.command_line && make("pre", Model.visible(commandLine(step.command_line)), "command");
    return [
      ["Run", table(overview)],
      ["Command line", command],
      ["Parameters", values(step.parameters)],
      ["Metrics", values(step.metrics)],
      ["Inputs", step.inputs_told === false ? make("p", "not told") : links(Model.before.get(step.id))],
      ["Outputs", links(Model.after.get(step.id))],
      ["Code", certs(step.code)],
      ["Uncommitted code, as a git tree", values(step.code_trees)],
      ["Random seeds", values(step.random_seeds)],
      [
        "Environment",
        environment &&
          table([
            ["Python", environment.python && Model.visible(`${environment.implementation ?? ""} ${environment.python}`.trim())],
            ["Platform", environment.platform && Model.visible(environment.platform)],
          ]),
        environment && distributions(environment),
      ],
    ];
  }

  function dataSections(node) {
    const entries = [
      ["Resource", Model.visible(node.resource)],
      ["Path in it", node.subpath ? Model.visible(node.subpath) : null],
      ["Role", node.role === null ? "none in this workspace" : Model.visible(node.role)],
      ["Hash", node.hash === null ? "none before the next snapshot" : Model.visible(node.hash), node.hash && "hash"],
      ["Version", node.version === null ? null : String(node.version)],
      ["Content", node.content === null ? null : Model.visible(node.content), "hash"],
      ["Origin", node.imported ? "another workspace" : null],
    ];
    return [
      ["Version", table(entries)],
      ["Written by", links(Model.before.get(node.id))],
      ["Read by", links(Model.after.get(node.id))],
    ];
  }

  function show(id) {
    const node = Model.nodes.get(id);
    const title = make("h2", Model.name(node));
    title.id = "panel-title";
    const marks = make("p", null, "marks");
    marks.append(make("span", node.imported && node.kind === "step" ? "Imported step" : LOOKS[node.look], `kind ${node.look}`));
    marks.append(make("span", STATES[node.state], `state ${stateClass(node)}`));
    content.replaceChildren(marks, title);
    const why = reasons(node);
    if (why) {
      content.append(why);
    }
    for (const [heading, ...parts] of node.kind === "step" ? stepSections(node) : dataSections(node)) {
      const present = parts.filter(Boolean);
      if (present.length) {
        content.append(section(heading, ...present));
      }
    }
    element.hidden = false;
    element.scrollTop = 0;
  }

  function hide() {
    element.hidden = true;
  }

  return { show, hide, LOOKS, STATES, onChoose: (chosen) => (choose = chosen), isOpen: () => !element.hidden };
})();
