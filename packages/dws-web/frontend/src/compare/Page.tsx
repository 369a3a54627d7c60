// Two to twenty snapshots side by side: first what differs.

import { useMemo, useState } from "preact/hooks";
import * as data from "../data";
import { fields } from "../experiments/view";
import { useLoaded, Waiting } from "../parts/Waiting";
import { addressOf } from "../route";
import { colourOf } from "../parts/Chart";
import { table } from "../state";
import { plural, title, visible, when } from "../text";
import type { Row, Snapshot } from "../types";
import { Courses } from "./Courses";
import { Differences } from "./Differences";
import { Files } from "./Files";
import { Matrices } from "./Matrices";
import { Parallel, Scatter } from "./Plots";
import { type Line, Values } from "./Values";

export function ComparePage({ names }: { names: string[] }) {
  const [snapshots, failure] = useLoaded(() => Promise.all(names.map(data.snapshot)), [names.join()]);
  const [showsAll, setShowsAll] = useState(false);
  const rows = useMemo(
    () => (snapshots ?? []).map((snapshot) => table.value?.rows.find((row) => row.hash === snapshot.hash)).filter((row): row is Row => row !== undefined),
    [snapshots, table.value],
  );
  if (!snapshots) {
    return (
      <main>
        <Waiting failure={failure} />
      </main>
    );
  }
  const of = (kind: "metric" | "parameter"): Line[] =>
    fields.value
      .filter((field) => field.kind === kind)
      .map((field) => ({ name: field.name, larger: field.larger, values: rows.map(field.value) }))
      .filter((line) => line.values.some((value) => value !== null && value !== undefined));
  const remove = (hash: string) => (location.hash = names.length > 2 ? addressOf("compare", snapshots.map((each) => each.hash).filter((each) => each !== hash)) : addressOf(""));
  return (
    <main class="snapshot compare">
      <header class="section-head">
        <h1>Compare {plural(rows.length, "snapshot")}</h1>
        <label class="check">
          <input type="checkbox" checked={showsAll} onChange={(event) => setShowsAll(event.currentTarget.checked)} />
          Also what is the same
        </label>
      </header>
      <div class="scrolls wide-table" tabIndex={0} role="region" aria-label="Values">
        <table class="compared">
          <thead>
            <tr>
              <th scope="col">
                <span class="hidden-text">Name</span>
              </th>
              {rows.map((row, index) => (
                <th key={row.hash} scope="col">
                  <span class="dot" style={{ background: colourOf(index) }} />
                  <a href={addressOf("snapshot", [row.hash])}>{title(row)}</a>
                  <button type="button" class="icon-button tiny" aria-label={`Leave ${title(row)} out`} title="Leave it out" onClick={() => remove(row.hash)}>
                    ×
                  </button>
                  <span class="under" title={visible(row.message ?? "")}>
                    {visible(row.message?.split("\n")[0] ?? "")}
                  </span>
                  <span class="under">{when(row.created)}</span>
                </th>
              ))}
            </tr>
          </thead>
          <Values title="Metrics" lines={of("metric").filter((line) => !line.name.includes("."))} showsAll={showsAll} />
          <Values title="Parameters" lines={of("parameter")} showsAll={showsAll} />
          <Values title="Contents of resources" lines={resources(snapshots, rows)} showsAll={showsAll} isHash />
          <Values title="Details of metrics" lines={of("metric").filter((line) => line.name.includes("."))} showsAll={showsAll} />
        </table>
      </div>
      <Courses snapshots={snapshots} />
      <div class="charts plots">
        <Scatter rows={rows} />
        <Parallel rows={rows} />
      </div>
      <Matrices snapshots={snapshots} />
      <Files snapshots={snapshots} />
      {!data.isExport && <Differences snapshots={snapshots} />}
    </main>
  );
}

function resources(snapshots: Snapshot[], rows: Row[]): Line[] {
  const found = rows.map((row) => snapshots.find((snapshot) => snapshot.hash === row.hash)?.resources ?? []);
  const names = new Set(found.flatMap((each) => each.map((resource) => resource.name)));
  return [...names].map((name) => ({
    name,
    larger: null,
    values: found.map((each) => each.find((resource) => resource.name === name)?.hash ?? null),
  }));
}

