// The files in which two of the snapshots differ, and the lines of each.

import { useState } from "preact/hooks";
import * as data from "../data";
import { Icon } from "../parts/Icon";
import { useLoaded, Waiting } from "../parts/Waiting";
import { title, visible } from "../text";
import type { FileChange, Snapshot } from "../types";

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
      {isOpen && <LinesOf file={file} first={first} second={second} resource={resource} />}
    </li>
  );
}

function LinesOf({ file, first, second, resource }: { file: FileChange; first: string; second: string; resource: string }) {
  const old = file.status === "added" ? "" : (file.old_path ?? file.path);
  const now = file.status === "deleted" ? "" : file.path;
  const [found, failure] = useLoaded(() => data.lines(first, second, resource, old, now), [first, second, resource, file.path]);
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
