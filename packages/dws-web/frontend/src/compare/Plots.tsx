// Any two columns against each other, and all that differ beside each other.

import { useMemo, useState } from "preact/hooks";
import { type Field, parts } from "../experiments/fields";
import { fields } from "../experiments/view";
import { colourOf } from "../parts/Chart";
import { asNumber, short, title, visible } from "../text";
import type { Row } from "../types";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [460, 260, 58, 34, 12];
const MOST_AXES = 8;

/** The columns with different numbers. */
function numeric(rows: Row[]): Field[] {
  return fields.value.filter((field) => {
    const numbers = rows.map((row) => asNumber(field.value(row))).filter((value) => value !== null);
    return field.kind !== "about" && new Set(numbers).size > 1;
  });
}

function range(field: Field, rows: Row[]): [number, number] {
  const numbers = rows.map((row) => asNumber(field.value(row))).filter((value): value is number => value !== null);
  return [Math.min(...numbers), Math.max(...numbers)];
}

export function Scatter({ rows }: { rows: Row[] }) {
  const usable = useMemo(() => numeric(rows), [rows, fields.value]);
  const metric = usable.find((field) => field.kind === "metric");
  const [chosen, setChosen] = useState<{ x?: string; y?: string }>({});
  const y = usable.find((field) => field.id === chosen.y) ?? metric ?? usable[0];
  const x = usable.find((field) => field.id === chosen.x) ?? usable.find((field) => field.kind === "parameter") ?? usable.find((field) => field !== y);
  if (!x || !y) {
    return null;
  }
  const [rx, ry] = [range(x, rows), range(y, rows)];
  const place = (value: number, [low, high]: [number, number], from: number, to: number) => from + ((value - low) / (high - low || 1)) * (to - from);
  const choice = (label: string, field: Field, set: (id: string) => void) => (
    <label class="select small">
      {label}
      <select value={field.id} onChange={(event) => set(event.currentTarget.value)}>
        {usable.map((each) => (
          <option key={each.id} value={each.id}>
            {visible(each.name)}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <section class="chart-box" aria-label="Scatter">
      <div class="section-head">
        {choice("Up:", y, (id) => setChosen({ ...chosen, y: id }))}
        {choice("Right:", x, (id) => setChosen({ ...chosen, x: id }))}
      </div>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${visible(y.name)} against ${visible(x.name)}`}>
        {[0, 0.5, 1].map((part) => {
          const [px, py] = [LEFT + 14 + part * (WIDTH - LEFT - 34), HEIGHT - BOTTOM - 8 - part * (HEIGHT - BOTTOM - TOP - 12)];
          return (
            <g key={part}>
              <line class="rule" x1={LEFT} x2={WIDTH} y1={py} y2={py} />
              <text x={LEFT - 8} y={py + 4} text-anchor="end">
                {short(ry[0] + part * (ry[1] - ry[0]))}
              </text>
              <text x={px} y={HEIGHT - 12} text-anchor="middle">
                {short(rx[0] + part * (rx[1] - rx[0]))}
              </text>
            </g>
          );
        })}
        {rows.map((row, index) => {
          const [a, b] = [asNumber(x.value(row)), asNumber(y.value(row))];
          return a === null || b === null ? null : (
            <circle key={row.hash} cx={place(a, rx, LEFT + 14, WIDTH - 20)} cy={place(b, ry, HEIGHT - BOTTOM - 8, TOP + 4)} r={6} fill={colourOf(index)}>
              <title>{`${title(row)}: ${short(a)}, ${short(b)}`}</title>
            </circle>
          );
        })}
      </svg>
    </section>
  );
}

export function Parallel({ rows }: { rows: Row[] }) {
  const axes = useMemo(() => {
    const usable = numeric(rows);
    const plain = usable.filter((field) => !field.name.includes("."));
    const metrics = plain.filter((field) => field.kind === "metric").slice(0, 4);
    return [...usable.filter((field) => field.kind === "parameter").slice(0, MOST_AXES - metrics.length), ...metrics];
  }, [rows, fields.value]);
  if (axes.length < 2) {
    return null;
  }
  const at = (index: number) => 40 + (index * (WIDTH - 80)) / (axes.length - 1);
  const [top, bottom] = [TOP + 34, HEIGHT - 30];
  const up = (field: Field, row: Row) => {
    const number = asNumber(field.value(row));
    const [low, high] = range(field, rows);
    return number === null ? null : bottom - ((number - low) / (high - low || 1)) * (bottom - top);
  };
  return (
    <section class="chart-box" aria-label="Parallel coordinates">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`Parallel coordinates of ${axes.map((field) => visible(field.name)).join(", ")}`}>
        {rows.map((row, index) => {
          const points = axes.map((field, place) => [at(place), up(field, row)] as const).filter((point): point is readonly [number, number] => point[1] !== null);
          return (
            <polyline key={row.hash} class="course" stroke={colourOf(index)} points={points.map((point) => point.join()).join(" ")}>
              <title>{title(row)}</title>
            </polyline>
          );
        })}
        {axes.map((field, index) => {
          const [low, high] = range(field, rows);
          const name = parts(field.name)[1];
          return (
            <g key={field.id}>
              <line class="axis" x1={at(index)} x2={at(index)} y1={top} y2={bottom} />
              <text class="strong" x={at(index)} y={TOP + 6} text-anchor="middle">
                {name.length > 14 ? `${name.slice(0, 13)}…` : name}
              </text>
              <text x={at(index)} y={TOP + 22} text-anchor="middle">
                {short(high)}
              </text>
              <text x={at(index)} y={HEIGHT - 12} text-anchor="middle">
                {short(low)}
              </text>
            </g>
          );
        })}
      </svg>
    </section>
  );
}
