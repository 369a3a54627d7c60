// All of one snapshot, or of the present state.

import { useEffect, useMemo, useState } from "preact/hooks";
import * as data from "../data";
import { Edit } from "../experiments/Edit";
import { Labels } from "../experiments/Table";
import { fields } from "../experiments/view";
import { Chart, type Course } from "../parts/Chart";
import { Copyable } from "../parts/Copy";
import { Icon } from "../parts/Icon";
import { useLoaded, Waiting } from "../parts/Waiting";
import { addressOf, route, setOptions } from "../route";
import { reload, table } from "../state";
import { duration, plural, short, shortHash, title, visible, when } from "../text";
import { NOW, type Results, type Row, type Snapshot, type Value } from "../types";
import { Files } from "./Files";
import { Lineage } from "./Lineage";
import { Pictures } from "./Pictures";

const LIVE_MILLISECONDS = 2000;

const MOST_COLUMNS = 12;

const TABS = [
  ["", "Overview"],
  ["files", "Files"],
  ["lineage", "Lineage"],
] as const;

export function SnapshotPage({ name }: { name: string }) {
  const [shown, failure, setShown] = useLoaded(() => data.snapshot(name), [name]);
  const [isEditing, setEditing] = useState(false);
  useLive(shown, setShown);
  if (!shown) {
    return (
      <main>
        <Waiting failure={failure} />
      </main>
    );
  }
  const tab = route.value.options.get("tab") ?? "";
  return (
    <main class="snapshot">
      <Head shown={shown} onEdit={() => setEditing(true)} />
      <nav class="tabs" aria-label="Parts of the snapshot">
        {TABS.map(([id, text]) => (
          <button key={id} type="button" aria-current={tab === id ? "page" : undefined} onClick={() => setOptions({ tab: id })}>
            {text}
          </button>
        ))}
      </nav>
      {tab === "files" ? <Files shown={shown} /> : tab === "lineage" ? <Lineage name={shown.hash} /> : <Overview shown={shown} />}
      {isEditing && <Edit row={shown} onClose={() => setEditing(false)} onChange={(about) => setShown({ ...shown, ...about })} />}
    </main>
  );
}

/** What a run that is under way writes is asked for again and again. */
function useLive(shown: Snapshot | null, setShown: (value: Snapshot) => void): void {
  useEffect(() => {
    if (!shown || !isRunning(shown)) {
      return;
    }
    const update = (next: Snapshot) => {
      setShown(next);
      if (!isRunning(next)) {
        void reload(); // the table has another row now
      }
    };
    const waiting = window.setTimeout(() => data.snapshot(NOW).then(update, () => undefined), LIVE_MILLISECONDS);
    return () => window.clearTimeout(waiting);
  }, [shown]);
}

const isRunning = (shown: Snapshot) => shown.hash === NOW && !data.isExport && shown.results.some((each) => each.about["status"] === "running");

function Head({ shown, onEdit }: { shown: Snapshot; onEdit: () => void }) {
  const isNow = shown.hash === NOW;
  const [first, ...others] = shown.tags ?? [];
  return (
    <header class="page-head">
      <div class="head-line">
        <h1>{isNow ? "Present state" : visible(first ?? shortHash(shown.hash))}</h1>
        {others.map((tag) => (
          <span class="tag" key={tag}>
            {visible(tag)}
          </span>
        ))}
        <Labels labels={shown.labels ?? {}} />
        {!isNow && !data.isExport && (
          <button type="button" class="button small" onClick={onEdit}>
            <Icon name="edit" />
            Labels and notes
          </button>
        )}
      </div>
      {shown.message && <p class="message">{visible(shown.message)}</p>}
      {!isNow && (
        <p class="muted">
          <code title={visible(shown.hash)}>{shortHash(shown.hash)}</code> taken {when(shown.created)}
          {shown.author ? ` by ${visible(shown.author)}` : ""} on {visible(shown.host)}
        </p>
      )}
      {(shown.notes ?? []).map((note, index) => (
        <blockquote key={index} class="note">
          {visible(note.text)}
          <footer>
            {visible(note.hostname)}, {when(note.time)}
          </footer>
        </blockquote>
      ))}
      {shown.warnings.map((warning) => (
        <p key={warning} class="warning">
          {visible(warning)}
        </p>
      ))}
    </header>
  );
}

function Overview({ shown }: { shown: Snapshot }) {
  const row = table.value?.rows.find((each) => each.hash === shown.hash);
  const [metrics, parameters] = useMemo(() => {
    // The table does not know yet what a run says that is under way.
    const running = isRunning(shown) ? shown.results.find((each) => each.about["status"] === "running") : undefined;
    return [pairs(running?.metrics ?? shown.metrics, row, "metric"), pairs(running?.parameters ?? shown.parameters, row, "parameter")];
  }, [shown, row]);
  const main = metrics.filter(([name]) => !name.includes("."));
  const details = metrics.filter(([name]) => name.includes("."));
  return (
    <div class="columns">
      <div class="wide">
        {shown.results.map((results) => (
          <RunState key={results.location} results={results} />
        ))}
        {main.length > 0 && (
          <section aria-label="Metrics">
            <h2>Metrics</h2>
            <div class="tiles">
              {main.map(([name, value]) => (
                <div class="tile" key={name}>
                  <span class="tile-name">{visible(name)}</span>
                  <span class="tile-value" title={visible(value)}>
                    {short(value)}
                  </span>
                  <Standing name={name} value={value} />
                </div>
              ))}
            </div>
          </section>
        )}
        {shown.results.map((results) => (
          <Courses key={results.location} results={results} />
        ))}
        <Pictures shown={shown} />
        {details.length > 0 && <MetricDetails values={details} />}
        {!metrics.length && !shown.results.length && (
          <div class="empty">
            <h2>No results</h2>
            <p>{shown.hash === NOW ? "No step has written results yet." : "The snapshot holds no results."}</p>
          </div>
        )}
      </div>
      <div class="narrow">
        {parameters.length > 0 && <Details title="Parameters" values={parameters} isOpen />}
        <ResourceList shown={shown} />
        <Steps shown={shown} />
        <Reproductions shown={shown} />
        <Family shown={shown} />
        <section>
          <h2>Go on with it</h2>
          {shown.commands.map((command) => (
            <div key={command.title}>
              <h3>{command.title}</h3>
              <Copyable text={command.text} />
            </div>
          ))}
        </section>
      </div>
    </div>
  );
}

function pairs(given: Record<string, Value> | undefined, row: Row | undefined, kind: "metric" | "parameter"): [string, Value][] {
  if (given) {
    return Object.entries(given);
  }
  return fields.value
    .filter((field) => field.kind === kind)
    .map((field): [string, Value] => [field.name, row ? (field.value(row) ?? null) : null])
    .filter(([, value]) => value !== null);
}

/** How a metric stands to those of all other snapshots. */
function Standing({ name, value }: { name: string; value: Value }) {
  const field = fields.value.find((each) => each.kind === "metric" && each.name === name);
  const numbers = useMemo(
    () => (field ? (table.value?.rows ?? []).map(field.value).filter((each): each is number => typeof each === "number") : []),
    [field, table.value],
  );
  if (!field || field.larger === null || typeof value !== "number" || numbers.length < 2) {
    return null;
  }
  const better = numbers.filter((other) => (field.larger ? other > value : other < value)).length;
  const text = better === 0 ? `best of ${numbers.length}` : `${ordinal(better + 1)} of ${numbers.length}`;
  return <span class={better === 0 ? "standing best" : "standing"}>{text}</span>;
}

function ordinal(number: number): string {
  const ending = number % 100 > 10 && number % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
  return `${number}${ending}`;
}

function Details({ title: heading, values, isOpen = false }: { title: string; values: [string, Value][]; isOpen?: boolean }) {
  return (
    <section>
      <details open={isOpen || values.length <= 12}>
        <summary>
          <h2>{heading}</h2>
          <span class="muted">{values.length}</span>
        </summary>
        <table class="pairs">
          <tbody>
            {values.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{visible(name)}</th>
                <td class={typeof value === "number" ? "number" : undefined} title={visible(value)}>
                  {short(value)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}

/** Metrics such as `report.macro avg.recall`: a row for each that has details, a column for each kind of detail. */
function MetricDetails({ values }: { values: [string, Value][] }) {
  const [rows, columns] = useMemo(() => {
    const found = new Map<string, Map<string, Value>>();
    const kinds = new Map<string, number>();
    for (const [name, value] of values) {
      const at = name.lastIndexOf(".");
      const [of, own] = [name.slice(0, at), name.slice(at + 1)];
      const row = found.get(of) ?? new Map<string, Value>();
      found.set(of, row.set(own, value));
      kinds.set(own, (kinds.get(own) ?? 0) + 1);
    }
    return [found, [...kinds.keys()]];
  }, [values]);
  if (columns.length > MOST_COLUMNS || rows.size * columns.length > 3 * values.length) {
    return <Details title="Details of metrics" values={values} />;
  }
  return (
    <section>
      <h2>Details of metrics</h2>
      <div class="scrolls" tabIndex={0} role="region" aria-label="Details of metrics">
        <table class="plain even">
          <thead>
            <tr>
              <th scope="col">
                <span class="hidden-text">Metric</span>
              </th>
              {columns.map((column) => (
                <th key={column} scope="col" class="number">
                  {visible(column)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {[...rows].map(([of, row]) => (
              <tr key={of}>
                <th scope="row">{visible(of)}</th>
                {columns.map((column) => (
                  <td key={column} class="number" title={visible(row.get(column) ?? "")}>
                    {short(row.get(column))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function RunState({ results }: { results: Results }) {
  const status = results.about["status"];
  if (status !== "running" && status !== "failed") {
    return null;
  }
  const step = results.about["step"];
  return (
    <p class={`run-state ${status}`} role="status">
      <strong>{status === "running" ? "Running" : "Failed"}</strong>
      {typeof step === "string" ? ` ${visible(step)}` : ""}
      {typeof results.about["error"] === "string" ? `: ${visible(results.about["error"])}` : ""}
    </p>
  );
}

function Courses({ results }: { results: Results }) {
  const [byTime, setByTime] = useState(false);
  const at = byTime ? results.seconds : undefined;
  const charts = useMemo(() => grouped(results.history, at), [results.history, at]);
  const [isLog, setLog] = useState(false);
  const [smoothing, setSmoothing] = useState(0);
  if (!charts.length) {
    return null;
  }
  return (
    <section aria-label="Courses">
      <div class="section-head">
        <h2>Courses</h2>
        <ChartTools isLog={isLog} setLog={setLog} smoothing={smoothing} setSmoothing={setSmoothing} byTime={byTime} setByTime={results.seconds.length ? setByTime : undefined} />
      </div>
      <div class="charts">
        {charts.map(([name, courses]) => (
          <div key={name} class="chart-box">
            <Chart title={name} courses={courses} isLog={isLog} smoothing={smoothing} unit={byTime ? "seconds" : "epoch"} />
            {courses.length > 1 && <p class="legend">{courses.map((course, index) => <span key={course.name} class={`series s${index}`}>{visible(course.name)}</span>)}</p>}
          </div>
        ))}
      </div>
    </section>
  );
}

interface Tools {
  isLog: boolean;
  setLog: (value: boolean) => void;
  smoothing: number;
  setSmoothing: (value: number) => void;
  byTime?: boolean;
  /** Without it, nobody knows when epochs ended. */
  setByTime?: ((value: boolean) => void) | undefined;
}

export function ChartTools(props: Tools) {
  const { setByTime } = props;
  return (
    <div class="chart-tools">
      {setByTime && (
        <label>
          <input type="checkbox" checked={props.byTime ?? false} onChange={(event) => setByTime(event.currentTarget.checked)} /> by time
        </label>
      )}
      <label>
        <input type="checkbox" checked={props.isLog} onChange={(event) => props.setLog(event.currentTarget.checked)} /> logarithmic
      </label>
      <label>
        smoothing
        <input type="range" min={0} max={0.95} step={0.05} value={props.smoothing} onInput={(event) => props.setSmoothing(Number(event.currentTarget.value))} />
      </label>
    </div>
  );
}

/** A metric, and the same of the validation data, in one chart. */
function grouped(history: Results["history"], at: Results["seconds"] | undefined): [string, Course[]][] {
  const found = new Map<string, Course[]>();
  for (const [name, values] of Object.entries(history)) {
    const base = name.replace(/^val_/, "");
    const group = found.get(base);
    group ? group.push({ name, values, at }) : found.set(base, [{ name, values, at }]);
  }
  return [...found];
}

const CHANGES: Record<string, string> = { same: "unchanged", different: "changed", added: "new" };

function ResourceList({ shown }: { shown: Snapshot }) {
  return (
    <section>
      <h2>Resources</h2>
      <ul class="resources">
        {shown.resources.map((resource) => (
          <li key={resource.name}>
            <span class="grow">
              <strong>{visible(resource.name)}</strong>
              <span class="muted">
                {visible(resource.role)}, {visible(resource.type)}
              </span>
            </span>
            {resource.change && <span class={`change ${CHANGES[resource.change] ?? ""}`}>{CHANGES[resource.change] ?? visible(resource.change)}</span>}
            {resource.hash && <code title={visible(resource.hash)}>{visible(resource.hash.slice(0, 7))}</code>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Steps({ shown }: { shown: Snapshot }) {
  if (!shown.steps?.length) {
    return null;
  }
  return (
    <section>
      <h2>{plural(shown.steps.length, "step")} behind the results</h2>
      <ol class="steps">
        {shown.steps.map((step, index) => (
          <li key={index}>
            <strong>{visible(step.name)}</strong>
            <span class="muted">
              {when(step.start_time)}
              {typeof step.execution_time_seconds === "number" ? `, ${duration(step.execution_time_seconds)}` : ""}
            </span>
            <p class="flow">
              {step.inputs.map(visible).join(", ") || "no inputs"} → {step.outputs.map(visible).join(", ") || "no outputs"}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Reproductions({ shown }: { shown: Snapshot }) {
  if (!shown.reproductions?.length) {
    return null;
  }
  return (
    <section>
      <h2>Reproductions</h2>
      <ul class="reproductions">
        {shown.reproductions.map((each) => (
          <li key={each.name}>
            <strong>{each.reproduced ? "Reproduced" : "Not reproduced"}</strong>{" "}
            {Object.entries(each.counts)
              .map(([verdict, count]) => `${count} ${visible(verdict)}`)
              .join(", ")}
            <span class="muted">
              says {visible(each.by) || "nobody named"}
              {each.time ? `, ${when(each.time)}` : ""};{" "}
              {each.problem ? visible(each.problem) : each.signatures ? plural(each.signatures, "signature") + ", see dws attest verify" : "not signed"}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Family({ shown }: { shown: Snapshot }) {
  const rows = new Map((table.value?.rows ?? []).map((row) => [row.hash, row]));
  const list = (hashes: string[]) =>
    hashes.map((hash) => (
      <li key={hash}>
        {rows.has(hash) ? <a href={addressOf("snapshot", [hash])}>{title(rows.get(hash) ?? { hash })}</a> : <code>{title({ hash })}</code>}{" "}
        <span class="muted">{visible(rows.get(hash)?.message ?? (rows.has(hash) ? "" : data.isExport ? "not in this export" : "deleted since"))}</span>
        {rows.has(hash) && (
          <a class="quiet" href={addressOf("compare", [hash, shown.hash])}>
            compare
          </a>
        )}
      </li>
    ));
  const [parents, children] = [shown.parents ?? [], shown.children ?? []];
  if (!parents.length && !children.length) {
    return null;
  }
  return (
    <section>
      {parents.length > 0 && (
        <>
          <h2>Came after</h2>
          <ul class="family">{list(parents)}</ul>
        </>
      )}
      {children.length > 0 && (
        <>
          <h2>Followed by</h2>
          <ul class="family">{list(children)}</ul>
        </>
      )}
    </section>
  );
}

