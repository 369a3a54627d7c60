// The matrices and curves among the metrics: confusion matrices side by side, ROC curves over each other.

import { useMemo } from "preact/hooks";
import { colourOf } from "../parts/Chart";
import { short, title, visible } from "../text";
import type { Snapshot } from "../types";

const [SIZE, MARGIN] = [260, 34];

const isMatrix = (value: number[] | number[][] | undefined): value is number[][] => Array.isArray(value?.[0]);

export function Matrices({ snapshots }: { snapshots: Snapshot[] }) {
  const arrays = useMemo(() => snapshots.map((snapshot) => Object.assign({}, ...snapshot.results.map((each) => each.arrays)) as Record<string, number[] | number[][]>), [snapshots]);
  const names = [...new Set(arrays.flatMap((each) => Object.keys(each)))];
  const matrices = names.filter((name) => arrays.some((each) => isMatrix(each[name])));
  // A curve is two lists with the same beginning of their names: roc.fpr and roc.tpr.
  const curves = names.filter((name) => /(^|[._])(fpr|false_positive_rate)$/i.test(name)).map((name): [string, string] => [name, name.replace(/fpr$/i, "tpr").replace(/false_positive_rate$/i, "true_positive_rate")]);
  if (!matrices.length && !curves.length) {
    return null;
  }
  return (
    <section aria-label="Matrices and curves">
      {matrices.map((name) => (
        <div key={name} class="beside">
          <h2>{visible(name)}</h2>
          <div class="scrolls beside-row" tabIndex={0} role="region" aria-label={visible(name)}>
            {snapshots.map((snapshot, index) => {
              const matrix = arrays[index]?.[name];
              return (
                <figure key={snapshot.hash} class="picture">
                  <figcaption>
                    <span class="dot" style={{ background: colourOf(index) }} /> {title(snapshot)}
                  </figcaption>
                  {isMatrix(matrix) ? <Matrix rows={matrix} /> : <p class="muted">not there</p>}
                </figure>
              );
            })}
          </div>
        </div>
      ))}
      {curves.map(([x, y]) => (
        <Roc key={x} name={x.replace(/[._]?(fpr|false_positive_rate)$/i, "") || "ROC"} courses={snapshots.map((snapshot, index) => ({ snapshot, x: arrays[index]?.[x], y: arrays[index]?.[y] }))} />
      ))}
    </section>
  );
}

/** In each row, what is truly of one class; the darker a cell, the larger its part of the row. */
function Matrix({ rows }: { rows: number[][] }) {
  return (
    <table class="matrix">
      <tbody>
        {rows.map((row, index) => {
          const sum = row.reduce((total, value) => total + Math.abs(value), 0) || 1;
          return (
            <tr key={index}>
              {row.map((value, place) => (
                <td key={place} class={place === index ? "diagonal" : undefined} style={{ "--part": `${Math.round((Math.abs(value) / sum) * 40)}%` }}>
                  {short(value)}
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

type Curve = number[] | number[][] | undefined;

function Roc({ name, courses }: { name: string; courses: { snapshot: Snapshot; x: Curve; y: Curve }[] }) {
  const place = (x: number, y: number) => `${MARGIN + x * SIZE},${8 + (1 - y) * SIZE}`;
  return (
    <div class="chart-box roc">
      <h2>{visible(name)}</h2>
      <svg viewBox={`0 0 ${SIZE + MARGIN + 8} ${SIZE + MARGIN}`} role="img" aria-label={`Curve ${visible(name)}: true positive rate against false positive rate`}>
        {[0, 0.5, 1].map((part) => (
          <g key={part}>
            <line class="rule" x1={MARGIN} x2={MARGIN + SIZE} y1={8 + part * SIZE} y2={8 + part * SIZE} />
            <text x={MARGIN - 6} y={12 + (1 - part) * SIZE} text-anchor="end">
              {part}
            </text>
            <text x={MARGIN + part * SIZE} y={SIZE + 24} text-anchor="middle">
              {part}
            </text>
          </g>
        ))}
        {courses.map(({ snapshot, x, y }, index) =>
          Array.isArray(x) && Array.isArray(y) && !isMatrix(x) && !isMatrix(y) ? (
            <polyline key={snapshot.hash} class="course" stroke={colourOf(index)} points={x.map((value, at) => place(value, (y as number[])[at] ?? 0)).join(" ")}>
              <title>{title(snapshot)}</title>
            </polyline>
          ) : null,
        )}
      </svg>
    </div>
  );
}
