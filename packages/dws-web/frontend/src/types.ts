// What the server answers, and what an export holds.

export type Value = string | number | boolean | null;

export interface Column {
  kind: "metric" | "parameter";
  name: string;
  /** Whether larger is better; null where nobody knows. */
  larger: boolean | null;
  varies: boolean;
}

export interface Note {
  text: string;
  time: string;
  hostname: string;
}

export interface About {
  hash: string;
  tags?: string[];
  created?: string;
  message?: string;
  author?: string;
  host?: string;
  labels?: Record<string, string>;
  notes?: Note[];
  parents?: string[];
  runs?: Record<string, string>;
}

export interface Row extends About {
  is_present: boolean;
  /** In the order of the columns. */
  values: Value[];
}

export interface Experiments {
  workspace: string;
  columns: Column[];
  rows: Row[];
  comes_from: string | null;
  warnings: string[];
}

export interface Resource {
  name: string;
  role: string;
  type: string;
  hash: string | null;
  restorable: boolean;
  change: string | null;
}

export interface Step {
  name: string;
  start_time: string;
  execution_time_seconds: number | null;
  command: string[] | null;
  inputs: string[];
  outputs: string[];
}

/** What somebody says about having reproduced a snapshot; nobody has verified the signatures. */
export interface Reproduction {
  name: string;
  reproduced: boolean;
  counts: Record<string, number>;
  by: string;
  time: string;
  signatures: number;
  problem: string | null;
}

export interface Results {
  location: string;
  about: Record<string, unknown>;
  history: Record<string, (number | null)[]>;
  /** Of each epoch, after the beginning of the run; empty if nobody knows. */
  seconds: (number | null)[];
  metrics: Record<string, Value>;
  parameters: Record<string, Value>;
  /** The matrices and curves among the metrics, such as a confusion matrix. */
  arrays: Record<string, number[] | number[][]>;
}

export interface FileEntry {
  resource: string;
  path: string;
  size: number | null;
}

export interface Snapshot extends About {
  resources: Resource[];
  steps?: Step[];
  metrics?: Record<string, Value>;
  parameters?: Record<string, Value>;
  reproductions?: Reproduction[];
  children?: string[];
  commands: { title: string; text: string }[];
  results: Results[];
  files: FileEntry[];
  has_more_files: boolean;
  warnings: string[];
  /** Of an export: by place, what each file shows. */
  previews?: Record<string, Preview>;
}

export interface Listing {
  entries: { name: string; kind: "file" | "directory" | "link"; size: number | null }[];
  has_more: boolean;
}

export type Cell = Value | { number: string };

export type Block =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string; label: string; is_error: boolean }
  | { kind: "markdown"; text: string }
  | { kind: "image"; source: string }
  | { kind: "table"; columns: string[]; rows: Cell[][]; note: string };

export interface Preview {
  size: number | null;
  blocks: Block[];
  problem: string;
}

export const NOW = "now";

export interface FileChange {
  status: string;
  path: string;
  old_path: string | null;
}

export interface Difference {
  first: string;
  second: string;
  resources: { name: string; state: string; files: FileChange[] | null; has_more: boolean }[];
  environment: { kind: string; name: string; before: string | null; after: string | null }[];
  warnings: string[];
}

export interface Lines {
  /** As `diff -u` has them, without the names of the files. */
  lines: string[];
  problem: string;
}

/** A snapshot, or the present state, whose results were made from a place. */
export interface Use {
  hash: string;
  /** What lay there: of the file itself, as far as it was recorded. */
  version: string | null;
  steps: string[];
  /** The resources of the results. */
  results: string[];
}

export interface Impact {
  resource: string;
  path: string;
  uses: Use[];
  /** How many snapshots were looked at: the newest. */
  searched: number;
  total: number;
}

/** A run under way, or one of the last. */
export interface LiveRun {
  run_id: string;
  step: string;
  name: string;
  status: "running" | "completed" | "failed" | "killed";
  started: string;
  ended: string | null;
  host: string;
  process: number;
  error: string | null;
  parameters: Record<string, Value>;
  /** How many epochs have ended; of many, not all are told. */
  count: number;
  epochs: number[];
  seconds: number[];
  history: Record<string, (number | null)[]>;
  last: Record<string, Value>;
  system: { seconds: number[]; values: Record<string, (number | null)[]> };
}

/** The rows in which two versions of a table differ, with their cells in the order of the columns. */
export interface RowChanges {
  columns: string[];
  /** The column by which rows belong together; null if there is none. */
  key: string | null;
  counts: { added: number; removed: number; changed: number };
  added_columns: string[];
  removed_columns: string[];
  rows: { status: "added" | "removed" | "changed"; before: string[] | null; after: string[] | null }[];
  problem: string;
}
