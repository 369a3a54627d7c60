// The files in which two of the snapshots differ, and the lines of each.

import { useState } from "preact/hooks";
import * as data from "../data";
import { Icon } from "../parts/Icon";
import { useLoaded, Waiting } from "../parts/Waiting";
import { plural, title, visible } from "../text";
import type { Difference, FileChange, Snapshot } from "../types";

const STATES: Record<string, string> = { same: "unchanged", different: "changed", added: "new", removed: "removed" };

export function Differences({ snapshots }: { snapshots: Snapshot[] }) {
  const [pair, setPair] = useState<[number, number]>([0, 1]);
  const [first, second] = [snapshots[pair[0]], snapshots[pair[1]]];
  const [found, failure] = useLoaded(
    () => (first && second && first !== second ? data.difference(first.hash, second.hash) : Promise.reject(new data.Failure("Choose two different ones"))),
    [first?.hash, second?.hash],
  );
  const choice = (place: 0 | 1) => (
    <label class="select small">
      {place === 0 ? "From" : "to"}
      <select value={pair[place]} onChange={(event) => setPair(place === 0 ? [Number(event.currentTarget.value), pair[1]] : [pair[0], Number(event.currentTarget.value)])}>
        {snapshots.map((snapshot, index) => (
          <option key={snapshot.hash} value={index}>
            {title(snapshot)}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <section aria-label="Files that differ">
      <div class="section-head start">
        <h2>Files</h2>
        {choice(0)}
        {choice(1)}
      </div>
      {found ? (
        <div class="card padded">
          {found.warnings.map((warning) => (
            <p key={warning} class="warning">
              {visible(warning)}
            </p>
          ))}
          <Environment changes={found.environment} />
          {found.resources.map((resource) => (
            <div key={resource.name} class="difference">
              <h3>
                <strong>{visible(resource.name)}</strong>
                <span class={`change ${STATES[resource.state] ?? ""}`}>{STATES[resource.state] ?? visible(resource.state)}</span>
              </h3>
              <ul>
                {(resource.files ?? []).map((file) => (
                  <Changed key={file.path} file={file} first={found.first} second={found.second} resource={resource.name} />
                ))}
              </ul>
              {resource.has_more && <p class="muted">and more</p>}
            </div>
          ))}
        </div>
      ) : (
        <Waiting failure={failure} />
      )}
    </section>
  );
}

function Changed({ file, first, second, resource }: { file: FileChange; first: string; second: string; resource: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <button type="button" class="entry" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon name={isOpen ? "down" : "right"} />
        <span class={`mark-of ${file.status}`}>{visible(file.status)}</span>
        <span class="grow">
          {file.old_path ? `${visible(file.old_path)} → ` : ""}
          {visible(file.path)}
        </span>
      </button>
      {isOpen && <ChangeOf file={file} first={first} second={second} resource={resource} />}
    </li>
  );
}

interface Change {
  file: FileChange;
  first: string;
  second: string;
  resource: string;
}

/** A table by its rows, anything else by its lines. */
function ChangeOf(change: Change) {
  const isTable = /\.(csv|tsv|parquet|pq)$/i.test(change.file.path);
  const [byRows, setByRows] = useState(isTable);
  return (
    <>
      {isTable && (
        <label class="check small">
          <input type="checkbox" checked={byRows} onChange={(event) => setByRows(event.currentTarget.checked)} /> by rows
        </label>
      )}
      {byRows ? <RowsOf {...change} /> : <LinesOf {...change} />}
    </>
  );
}

const pathsOf = (file: FileChange): [string, string] => [file.status === "added" ? "" : (file.old_path ?? file.path), file.status === "deleted" ? "" : file.path];

function RowsOf({ file, first, second, resource }: Change) {
  const [found, failure] = useLoaded(() => data.rows(first, second, resource, ...pathsOf(file)), [first, second, resource, file.path]);
  if (!found) {
    return failure ? <p class="muted padded">{visible(failure.message)}</p> : <Waiting failure={null} />;
  }
  if (found.problem || !found.rows.length) {
    return <p class="muted padded">{found.problem ? visible(found.problem) : "No row differs"}</p>;
  }
  const { counts, columns } = found;
  const columnsTold = [...found.added_columns.map((name) => `column ${name} is new`), ...found.removed_columns.map((name) => `column ${name} is gone`)];
  const told = [...(["changed", "added", "removed"] as const).filter((status) => counts[status]).map((status) => `${plural(counts[status], "row")} ${status}`), ...columnsTold];
  return (
    <>
      <p class="muted">
        {told.map(visible).join(", ")}
        {found.key === null ? "" : ` (rows belong together by ${visible(found.key)})`}
      </p>
      <div class="scrolls" tabIndex={0} role="region" aria-label={`Rows that differ in ${visible(file.path)}`}>
        <table class="plain changes">
          <thead>
            <tr>
              <th scope="col">
                <span class="hidden-text">Change</span>
              </th>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {visible(column)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.rows.map((row, index) => (
              <tr key={index} class={row.status}>
                <td class="sign">
                  {{ added: "+", removed: "−", changed: "~" }[row.status]}
                  <span class="hidden-text">{row.status}</span>
                </td>
                {columns.map((column, place) => {
                  const [before, after] = [row.before?.[place], row.after?.[place]];
                  return before === undefined || after === undefined || before === after ? (
                    <td key={column}>{visible(after ?? before ?? "")}</td>
                  ) : (
                    <td key={column} class="cell-change">
                      <del>{visible(before)}</del> <ins>{visible(after)}</ins>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {counts.added + counts.removed + counts.changed > found.rows.length && <p class="muted">and {plural(counts.added + counts.removed + counts.changed - found.rows.length, "more row")}</p>}
    </>
  );
}

/** Of the steps behind the results. */
function Environment({ changes }: { changes: Difference["environment"] }) {
  if (!changes.length) {
    return null;
  }
  return (
    <div class="difference">
      <h3>
        <strong>Environment</strong>
        <span class="change changed">changed</span>
      </h3>
      <div class="scrolls" tabIndex={0} role="region" aria-label="Environment">
        <table class="plain changes">
        <tbody>
          {changes.map((change) => (
            <tr key={change.kind + change.name}>
              <th scope="row">{visible(change.name)}</th>
              <td>{change.before === null ? <span class="muted">–</span> : <del>{visible(change.before)}</del>}</td>
              <td>{change.after === null ? <span class="muted">–</span> : <ins>{visible(change.after)}</ins>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      </div>
    </div>
  );
}

function LinesOf({ file, first, second, resource }: Change) {
  const [found, failure] = useLoaded(() => data.lines(first, second, resource, ...pathsOf(file)), [first, second, resource, file.path]);
  if (!found) {
    return failure ? <p class="muted padded">{visible(failure.message)}</p> : <Waiting failure={null} />;
  }
  if (found.problem || !found.lines.length) {
    return <p class="muted padded">{found.problem || "No line differs"}</p>;
  }
  return (
    <pre class="lines" tabIndex={0}>
      {found.lines.map((line, index) => (
        <span key={index} class={line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : line.startsWith("@@") ? "at" : undefined}>
          {visible(line)}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}
