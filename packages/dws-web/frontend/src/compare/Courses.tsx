// The courses of each metric, of all snapshots in one chart.

import { useMemo, useState } from "preact/hooks";
import { Chart, type Course } from "../parts/Chart";
import { ChartTools } from "../snapshot/Page";
import { title } from "../text";
import type { Snapshot } from "../types";

export function Courses({ snapshots }: { snapshots: Snapshot[] }) {
  const [isLog, setLog] = useState(false);
  const [smoothing, setSmoothing] = useState(0);
  const charts = useMemo(() => {
    const names = new Set(snapshots.flatMap((each) => each.results.flatMap((results) => Object.keys(results.history))));
    return [...names].map((name): [string, Course[]] => [
      name,
      // An empty one keeps the colours those of the snapshots.
      snapshots.map((each) => ({ name: title(each), values: each.results.find((results) => results.history[name])?.history[name] ?? [] })),
    ]);
  }, [snapshots]);
  if (!charts.length) {
    return null;
  }
  return (
    <section aria-label="Courses">
      <div class="section-head">
        <h2>Courses</h2>
        <ChartTools isLog={isLog} setLog={setLog} smoothing={smoothing} setSmoothing={setSmoothing} />
      </div>
      <div class="charts">
        {charts.map(([name, courses]) => (
          <div key={name} class="chart-box">
            <Chart title={name} courses={courses} isLog={isLog} smoothing={smoothing} />
          </div>
        ))}
      </div>
    </section>
  );
}
