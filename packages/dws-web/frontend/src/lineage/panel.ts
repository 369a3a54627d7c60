// The panel with all that is known of one node.

import { button, make, put } from "./elements";
import { detail, isResult, metricLines, type Model, name, ownHash, place, valueText, versionText, visible, when } from "./model";
import type { DataNode, Environment, Look, Node, State, StepNode, Version } from "./types";

export const STATES: Record<State, string> = { current: "up to date", "out of date": "out of date", unknown: "unknown" };
export const LOOKS: Record<Look, string> = {
  step: "Step",
  source: "Source data",
  intermediate: "Intermediate data",
  result: "Result",
  imported: "Imported",
  other: "Other data",
};

type Part = HTMLElement | null;
type Section = [string, ...Part[]];
type Entry = [string, string | null | undefined, string?];

export interface Choices {
  /** Go to a node. */
  choose: (id: string) => void;
  /** Show only what belongs to a node. */
  narrow: (id: string) => void;
  /** Where a page tells which snapshots used a place; null where there is no such page. */
  impactAddress: ((version: Version) => string) | null;
}

/** Names and values; what is null is left out. Null if nothing is left. */
function table(entries: Entry[]): Part {
  const list = make("dl");
  for (const [key, value, className] of entries) {
    if (value !== null && value !== undefined) {
      list.append(make("dt", visible(key)), make("dd", value, className));
    }
  }
  return list.children.length ? list : null;
}

function values(mapping: Record<string, unknown> | null | undefined): Part {
  const flat: Entry[] = [];
  for (const [key, value] of Object.entries(mapping ?? {})) {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      flat.push(...Object.entries(value).map(([inner, item]): Entry => [`${key} / ${inner}`, valueText(item)]));
    } else {
      flat.push([key, valueText(value)]);
    }
  }
  return table(flat);
}

function versions(list: Version[] | undefined): Part {
  const made = make("ul", null, "versions");
  for (const version of list ?? []) {
    const hash = ownHash(version);
    made.append(put(make("li"), make("span", visible(place(version)), "name"), make("code", hash ? visible(hash) : versionText(version))));
  }
  return list?.length ? made : null;
}

/** As a shell would need it to be written. */
const commandLine = (words: string[]) => words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");

const stateClass = (node: Node) => ({ "out of date": "stale", unknown: "unknown", current: "current" })[node.state];

function reasons(node: Node): Part {
  const list = make("ul", null, "reasons");
  list.append(...node.reasons.map((reason) => make("li", visible(reason))));
  return node.reasons.length ? list : null;
}

function distributions(environment: Environment): Part {
  const entries = Object.entries(environment.distributions ?? {});
  const listed = table(entries.map(([key, version]): Entry => [key, visible(version)]));
  return listed && put(make("details"), make("summary", `${entries.length} distribution${entries.length === 1 ? "" : "s"}`), listed);
}

function cells(notebook: NonNullable<StepNode["notebook"]>): string {
  const order = notebook.executed.map((cell) => cell ?? "?").join(", ");
  return notebook.top_to_bottom ? `${order} (top to bottom)` : order;
}

export function duration(seconds: number): string {
  if (seconds < 60) {
    return `${Number(seconds.toPrecision(3))} s`;
  }
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return `${hours ? `${hours} h ` : ""}${minutes % 60} min ${Math.round(seconds % 60)} s`;
}

export class Panel {
  private readonly content = make("div");
  readonly close = button("×", { id: "close", title: "Close (Escape)", label: "Close" });
  readonly element = make("aside");

  constructor(private readonly choices: Choices) {
    this.element.id = "panel";
    this.element.setAttribute("aria-labelledby", "panel-title");
    this.element.tabIndex = 0;
    this.element.hidden = true;
    this.content.id = "panel-content";
    this.element.append(this.close, this.content);
  }

  hide(): void {
    this.element.hidden = true;
  }

  show(model: Model, id: string): void {
    const node = model.node(id);
    const title = make("h2", name(node));
    title.id = "panel-title";
    const kind = node.imported && node.kind === "step" ? "Imported step" : LOOKS[node.look];
    const marks = put(make("p", null, "marks"), make("span", kind, `kind ${node.look}`), make("span", STATES[node.state], `state ${stateClass(node)}`));
    this.content.replaceChildren(marks, title);
    const why = reasons(node);
    if (why) {
      this.content.append(why);
    }
    this.content.append(this.actions(model, node));
    const sections = node.kind === "step" ? this.ofStep(model, node) : this.ofData(model, node);
    for (const [heading, ...parts] of sections) {
      const present = parts.filter((part): part is HTMLElement => part !== null);
      if (present.length) {
        this.content.append(put(make("section"), make("h3", heading), ...present));
      }
    }
    this.element.hidden = false;
    this.element.scrollTop = 0;
  }

  private actions(model: Model, node: Node): HTMLElement {
    const made = make("p", null, "actions");
    if (model.nodes.size > 1 + model.ancestors(node.id).size + model.descendants(node.id).size) {
      const narrow = button("Show only this", { title: "Leave out what has nothing to do with it" });
      narrow.addEventListener("click", () => this.choices.narrow(node.id));
      made.append(narrow);
    }
    if (node.kind === "data" && this.choices.impactAddress) {
      const link = make("a", "Snapshots that used it");
      link.href = this.choices.impactAddress(node);
      made.append(link);
    }
    return made;
  }

  private links(model: Model, ids: string[]): Part {
    const list = make("ul", null, "links");
    for (const id of ids) {
      const node = model.node(id);
      const link = make("button", null, `link ${node.look}`);
      link.type = "button";
      link.append(make("span", name(node), "name"), make("span", [...metricLines(node, 2), detail(node)].join(" · "), "detail"));
      if (node.state !== "current") {
        link.append(make("span", STATES[node.state], `state ${stateClass(node)}`));
      }
      link.addEventListener("click", () => this.choices.choose(id));
      list.append(put(make("li"), link));
    }
    return ids.length ? list : null;
  }

  private ofStep(model: Model, step: StepNode): Section[] {
    const environment = model.environment(step);
    const overview: Entry[] = [
      ["Started", when(step.start_time)],
      ["Duration", step.execution_time_seconds === null ? null : duration(step.execution_time_seconds)],
      ["Exit status", step.exit_status === null ? null : String(step.exit_status)],
      ["User", step.user === null ? null : visible(step.user)],
      ["Notebook cells", step.notebook?.executed.length ? cells(step.notebook) : null],
      ["Directory", step.run_from_directory === null ? null : visible(step.run_from_directory)],
      ["Origin", step.imported ? "another workspace" : null],
    ];
    const python = environment?.python ? visible(`${environment.implementation ?? ""} ${environment.python}`.trim()) : null;
    return [
      ["Run", table(overview)],
      ["Command line", step.command_line && make("pre", visible(commandLine(step.command_line)), "command")],
      ["Parameters", values(step.parameters)],
      ["Metrics", values(step.metrics)],
      ["Inputs", step.inputs_told === false ? make("p", "not told") : this.links(model, model.sources(step.id))],
      ["Files that it read", versions(step.inputs?.filter((input) => input.subpath))],
      ["Outputs", this.links(model, model.targets(step.id))],
      ["Results made from it", this.impact(model, step.id)],
      ["Code", versions(step.code)],
      ["Uncommitted code, as a git tree", values(step.code_trees)],
      ["Random seeds", values(step.random_seeds)],
      [
        "Environment",
        environment && table([["Python", python], ["Platform", environment.platform && visible(environment.platform)]]),
        environment && distributions(environment),
      ],
    ];
  }

  private ofData(model: Model, node: DataNode): Section[] {
    const isWhole = !node.subpath;
    const own = ownHash(node);
    const entries: Entry[] = [
      ["Resource", visible(node.resource)],
      ["Path in it", node.subpath ? visible(node.subpath) : null],
      ["Role", node.role === null ? "none in this workspace" : visible(node.role)],
      ["Hash", own === null ? "none before the next snapshot" : visible(own), own ? "hash" : undefined],
      ["Hash of the resource", isWhole || node.hash === null || node.hash === own ? null : visible(node.hash), "hash"],
      ["Version", node.version === null ? null : String(node.version)],
      ["Content", node.content === null ? null : visible(node.content), "hash"],
      ["Origin", node.imported ? "another workspace" : null],
    ];
    return [
      ["Metrics", values(node.metrics)],
      ["Version", table(entries)],
      [node.isPart ? "A file of" : "Written by", this.links(model, model.sources(node.id))],
      ["Read by", this.links(model, model.targets(node.id))],
      ["Files read from it", versions(filesRead(model, node))],
      ["Results made from it", this.impact(model, node.id)],
    ];
  }

  /** Every result behind which a node is, where its neighbours do not show them already. */
  private impact(model: Model, id: string): Part {
    const results = model.results(id);
    const isNear = model.targets(id).some((target) => isResult(model.node(target)));
    return isNear && results.every((result) => model.targets(id).includes(result)) ? null : this.links(model, results);
  }
}

/** The files that steps read from a version, each once. */
function filesRead(model: Model, node: DataNode): Version[] {
  const found = new Map<string, Version>();
  for (const target of model.targets(node.id)) {
    const step = model.node(target);
    for (const input of step.kind === "step" ? (step.inputs ?? []) : []) {
      if (input.resource === node.resource && input.subpath && input.subpath !== node.subpath) {
        found.set(`${input.subpath}/${ownHash(input)}`, input);
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.subpath ?? "").localeCompare(b.subpath ?? ""));
}
