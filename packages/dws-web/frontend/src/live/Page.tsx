// Runs under way: their metrics as they come, several in one chart, without anything to reload.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import * as data from "../data";
import { Chart, colourOf, type Course } from "../parts/Chart";
import { Waiting } from "../parts/Waiting";
import { asFailure, reload } from "../state";
import { ChartTools } from "../snapshot/Page";
import { duration, plural, short, visible, when } from "../text";
import type { LiveRun } from "../types";

const MILLISECONDS = { running: 1000, idle: 4000, failed: 8000 };
/** So many are shown at first. */
const FIRST = 6;

export function LivePage() {
  const [runs, failure] = useRuns();
  const [chosen, setChosen] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [isLog, setLog] = useState(false);
  const [smoothing, setSmoothing] = useState(0);
  const [byTime, setByTime] = useState(false);
  const shown = useMemo(() => {
    const isOfInterest = (run: LiveRun, index: number) => index < FIRST && (run.status === "running" || index === 0);
    return (runs ?? []).filter((run, index) => chosen.get(run.run_id) ?? isOfInterest(run, index));
  }, [runs, chosen]);
  const colours = useRef(new Map<string, string>()).current;
  for (const run of runs ?? []) {
    // A run keeps its colour, whatever others come.
    colours.set(run.run_id, colours.get(run.run_id) ?? colourOf(colours.size));
  }
  const unit = byTime ? "seconds" : "epoch";
  const charts = useMemo(() => metricsOf(shown, colours, byTime), [shown, byTime]);
  const system = useMemo(() => systemOf(shown, colours), [shown]);
  if (!runs) {
    return (
      <main>
        <Waiting failure={failure} />
      </main>
    );
  }
  const running = runs.filter((run) => run.status === "running").length;
  // What is under way stands above its charts, and what has ended below them.
  const first = runs.filter((run, index) => run.status === "running" || index === 0 || shown.includes(run));
  const earlier = runs.filter((run) => !first.includes(run));
  const cards = (those: LiveRun[], label: string) =>
    those.length > 0 && (
      <ul class="runs" aria-label={label}>
        {those.map((run) => (
          <Run
            key={run.run_id}
            run={run}
            colour={colours.get(run.run_id) ?? ""}
            isShown={shown.includes(run)}
            onToggle={() => setChosen(new Map(chosen).set(run.run_id, !shown.includes(run)))}
          />
        ))}
      </ul>
    );
  return (
    <main class="snapshot live">
      <header class="page-head">
        <h1>Live</h1>
        <p class="muted" role="status">
          {running ? `${plural(running, "run")} under way` : "No run is under way"}
          {failure ? `. ${visible(failure.message)}` : ""}
        </p>
      </header>
      {runs.length === 0 && (
        <div class="empty">
          <h2>No run was recorded here</h2>
          <p>A run appears here as soon as it starts: with dws run, a kit, or LineageBuilder.</p>
        </div>
      )}
      {cards(first, "Runs")}
      {charts.length > 0 && (
        <section aria-label="Metrics">
          <div class="section-head">
            <h2>Metrics</h2>
            <ChartTools isLog={isLog} setLog={setLog} smoothing={smoothing} setSmoothing={setSmoothing} byTime={byTime} setByTime={setByTime} />
          </div>
          <div class="charts">
            {charts.map(([name, courses]) => (
              <div key={name} class="chart-box">
                <Chart title={name} courses={courses} isLog={isLog} smoothing={smoothing} unit={unit} />
              </div>
            ))}
          </div>
        </section>
      )}
      {system.length > 0 && (
        <section aria-label="Machine">
          <h2>Machine</h2>
          <div class="charts">
            {system.map(([name, courses]) => (
              <div key={name} class="chart-box">
                <Chart title={name} courses={courses} unit="seconds" height={150} />
              </div>
            ))}
          </div>
        </section>
      )}
      {earlier.length > 0 && (
        <details class="earlier" open={earlier.length <= FIRST}>
          <summary>{plural(earlier.length, "earlier run")}</summary>
          {cards(earlier, "Earlier runs")}
        </details>
      )}
    </main>
  );
}

function Run({ run, colour, isShown, onToggle }: { run: LiveRun; colour: string; isShown: boolean; onToggle: () => void }) {
  const now = useNow(run.status === "running");
  const end = run.ended === null ? (run.status === "running" ? now : null) : Date.parse(run.ended);
  const seconds = end === null ? null : Math.max(0, (end - Date.parse(run.started)) / 1000);
  const parameters = Object.entries(run.parameters);
  return (
    <li class={`run card ${run.status}`}>
      <label class="run-head">
        <input type="checkbox" checked={isShown} onChange={onToggle} />
        <span class="dot" style={{ background: colour }} />
        <strong>{visible(run.name || run.step)}</strong>
        <span class={`run-status ${run.status}`}>{run.status}</span>
      </label>
      <p class="muted">
        {run.name && run.name !== run.step ? `${visible(run.step)}, ` : ""}
        {when(run.started)}
        {seconds === null ? "" : `, ${duration(Math.round(seconds))}`}
        {run.count ? `, ${plural(run.count, "epoch")}` : ""}
        {run.error ? `, ${visible(run.error)}` : ""}
      </p>
      <p class="last" aria-live="off">
        {Object.entries(run.last).map(([name, value]) => (
          <span key={name}>
            {visible(name)} <strong>{short(value)}</strong>
          </span>
        ))}
      </p>
      {parameters.length > 0 && (
        <details>
          <summary class="muted">{plural(parameters.length, "parameter")}</summary>
          <table class="pairs">
            <tbody>
              {parameters.map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">{visible(name)}</th>
                  <td>{short(value !== null && typeof value === "object" ? JSON.stringify(value) : value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </li>
  );
}

/** The runs, asked for again and again while the page is looked at. */
function useRuns(): [LiveRun[] | null, data.Failure | null] {
  const [runs, setRuns] = useState<LiveRun[] | null>(null);
  const [failure, setFailure] = useState<data.Failure | null>(null);
  useEffect(() => {
    let [tag, timer, running, isWanted] = [null as string | null, 0, 0, true];
    const ask = async () => {
      let wait = MILLISECONDS.failed;
      try {
        const found = document.hidden ? null : await data.live(tag);
        if (found && isWanted) {
          tag = found.tag;
          setRuns(found.runs);
          const before = running;
          running = found.runs.filter((run) => run.status === "running").length;
          if (running < before) {
            void reload(); // the table has another row now
          }
        }
        setFailure(null);
        wait = running ? MILLISECONDS.running : MILLISECONDS.idle;
      } catch (error) {
        setFailure(asFailure(error));
      }
      if (isWanted) {
        timer = window.setTimeout(ask, wait);
      }
    };
    void ask();
    return () => {
      isWanted = false;
      window.clearTimeout(timer);
    };
  }, []);
  return [runs, failure];
}

function useNow(isRunning: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!isRunning) {
      return;
    }
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [isRunning]);
  return now;
}

const called = (run: LiveRun) => run.name || run.step;

function metricsOf(runs: LiveRun[], colours: ReadonlyMap<string, string>, byTime: boolean): [string, Course[]][] {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.history)))];
  return names.map((name) => [
    name,
    runs
      .filter((run) => Object.hasOwn(run.history, name))
      .map((run) => ({ name: called(run), values: run.history[name] ?? [], at: byTime ? run.seconds : run.epochs, colour: colours.get(run.run_id) ?? "" })),
  ]);
}

function systemOf(runs: LiveRun[], colours: ReadonlyMap<string, string>): [string, Course[]][] {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.system.values)))];
  return names.map((name) => [
    name.replace(/_bytes$/, " (MiB)"),
    runs
      .filter((run) => Object.hasOwn(run.system.values, name))
      .map((run) => ({ name: called(run), values: inUnit(name, run.system.values[name] ?? []), at: run.system.seconds, colour: colours.get(run.run_id) ?? "" })),
  ]);
}

const inUnit = (name: string, values: (number | null)[]) =>
  name.endsWith("_bytes") ? values.map((value) => value === null ? null : value / 2 ** 20) : values;
