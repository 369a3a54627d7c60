// The courses of each metric, of all snapshots in one chart.

import { useMemo, useState } from "preact/hooks";
import { Chart, type Course } from "../parts/Chart";
import { ChartTools } from "../snapshot/Page";
import { title } from "../text";
import type { Snapshot } from "../types";

export function Courses({ snapshots }: { snapshots: Snapshot[] }) {
  const [isLog, setLog] = useState(false);
  const [smoothing, setSmoothing] = useState(0);
  const [byTime, setByTime] = useState(false);
  const knowsTimes = snapshots.some((each) => each.results.some((results) => results.seconds.length > 0));
  const charts = useMemo(() => {
    const names = new Set(snapshots.flatMap((each) => each.results.flatMap((results) => Object.keys(results.history))));
    return [...names].map((name): [string, Course[]] => [
      name,
      // An empty one keeps the colours those of the snapshots.
      snapshots.map((each) => {
        const results = each.results.find((found) => found.history[name]);
        return { name: title(each), values: results?.history[name] ?? [], at: byTime ? (results?.seconds ?? []) : undefined };
      }),
    ]);
  }, [snapshots, byTime]);
  if (!charts.length) {
    return null;
  }
  return (
    <section aria-label="Courses">
      <div class="section-head">
        <h2>Courses</h2>
        <ChartTools isLog={isLog} setLog={setLog} smoothing={smoothing} setSmoothing={setSmoothing} byTime={byTime} setByTime={knowsTimes ? setByTime : undefined} />
      </div>
      <div class="charts">
        {charts.map(([name, courses]) => (
          <div key={name} class="chart-box">
            <Chart title={name} courses={courses} isLog={isLog} smoothing={smoothing} unit={byTime ? "seconds" : "epoch"} />
          </div>
        ))}
      </div>
    </section>
  );
}
