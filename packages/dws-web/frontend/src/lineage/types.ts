// What a lineage is drawn from: `lineage_page.py` makes it.

/** A version of a place in a resource. */
export interface Version {
  resource: string;
  subpath: string | null;
  hash: string | null;
  version: number | null;
  content: string | null;
}

export type Look = "step" | "source" | "intermediate" | "result" | "imported" | "other";
export type State = "current" | "out of date" | "unknown";

interface Common {
  id: string;
  imported: boolean;
  state: State;
  reasons: string[];
  look: Look;
  metrics: Record<string, unknown> | null;
}

export interface DataNode extends Common, Version {
  kind: "data";
  role: string | null;
  /** A file that a step read out of a larger version; it stands between the two. */
  isPart?: boolean;
}

export interface StepNode extends Common {
  kind: "step";
  name: string;
  start_time: string;
  execution_time_seconds: number | null;
  parameters: Record<string, unknown>;
  code: Version[];
  code_trees: Record<string, string>;
  command_line: string[] | null;
  run_from_directory: string | null;
  user: string | null;
  exit_status: number | null;
  /** The place of its environment in the list of them. */
  environment: number | null;
  random_seeds: Record<string, unknown>;
  notebook: { executed: (number | null)[]; top_to_bottom: boolean } | null;
  inputs_told?: boolean;
  /** What it read, each with the version of its own. */
  inputs?: Version[];
  outputs?: Version[];
}

export type Node = DataNode | StepNode;

export interface Edge {
  source: string;
  target: string;
}

export interface Environment {
  python: string | null;
  implementation: string | null;
  platform: string | null;
  distributions: Record<string, string> | null;
}

export interface LineagePage {
  graph: {
    workspace: string;
    resource: string | null;
    snapshot: string | null;
    tags: string[];
    nodes: Node[];
    edges: Edge[];
  };
  environments: Environment[];
  width: number | null;
  height: number | null;
}
