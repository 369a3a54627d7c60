// Courses over epochs, drawn by uPlot.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { duration, short, visible } from "../text";
import { theme } from "../theme";

export interface Course {
  name: string;
  values: (number | null)[];
  /** The place of each value, if it is not that of its epoch: 1, 2, 3, … */
  at?: (number | null)[] | undefined;
  colour?: string;
}

export const COLOURS = [
  "#3b6fd4", "#d9730d", "#2f9e67", "#c2417c", "#8a63d2", "#0d8aa3", "#b08900", "#d64545", "#5c7cfa", "#74a12e",
]; // prettier-ignore

export const colourOf = (index: number) => COLOURS[index % COLOURS.length] ?? "#3b6fd4";

interface Props {
  title: string;
  courses: Course[];
  isLog?: boolean;
  /** From 0, nothing, to below 1: how much of the average before it stays in each value. */
  smoothing?: number;
  height?: number;
  /** What stands below it. */
  unit?: "epoch" | "seconds";
}

export function smooth(values: (number | null)[], weight: number): (number | null)[] {
  let [last, norm] = [0, 0];
  return values.map((value) => {
    if (value === null || weight === 0) {
      return value;
    }
    last = last * weight + (1 - weight) * value;
    norm = norm * weight + (1 - weight);
    return last / norm;
  });
}

export function Chart({ title, courses, isLog = false, smoothing = 0, height = 220, unit = "epoch" }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const look = theme.value;
  useEffect(() => {
    const element = place.current;
    if (!element) {
      return;
    }
    const style = getComputedStyle(document.documentElement);
    const [ink, line] = [style.getPropertyValue("--muted").trim(), style.getPropertyValue("--line").trim()];
    const longest = Math.max(1, ...courses.map((course) => course.values.length));
    const [places, ...shown] = aligned(courses.map((course) => ({ ...course, values: smooth(course.values, smoothing).map((value) => (isLog && value !== null && value <= 0 ? null : value)) })));
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    const chart = new uPlot(
      {
        width: Math.max(200, element.clientWidth),
        height,
        scales: { x: { time: false }, y: isLog ? { distr: 3 } : {} },
        axes: [
          unit === "epoch"
            ? { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000] }
            : { ...axis, values: (_, ticks) => ticks.map((tick) => duration(tick)) },
          { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : short(tick))) },
        ],
        legend: { show: false },
        cursor: { y: false, points: { size: 6 } },
        series: [
          { label: unit },
          ...courses.map((course, index) => ({
            label: visible(course.name),
            stroke: course.colour ?? colourOf(index),
            width: 1.75,
            spanGaps: true,
            points: { show: longest <= 20, size: 4, fill: course.colour ?? colourOf(index) },
          })),
        ],
        plugins: [hints(courses, unit)],
      },
      [places ?? [], ...shown],
      element,
    );
    const observer = new ResizeObserver(() => chart.setSize({ width: Math.max(200, element.clientWidth), height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [courses, isLog, smoothing, height, look, unit]);
  const last = courses.map((course) => `${visible(course.name)}: ${short(course.values.at(-1))}`).join(", ");
  return (
    <figure class="chart">
      <figcaption>{visible(title)}</figcaption>
      <div ref={place} role="img" aria-label={`Course of ${visible(title)} by ${unit === "epoch" ? "epoch" : "time"}; last values ${last}`} />
    </figure>
  );
}

/** As uPlot wants them: the places of all courses, and the value of each course at each of them. */
function aligned(courses: Course[]): (number | null)[][] & [number[], ...(number | null)[][]] {
  const points = courses.map((course) => {
    const known = course.values.map((value, index) => [course.at ? (course.at[index] ?? null) : index + 1, value] as const);
    return new Map(known.filter((point): point is readonly [number, number | null] => point[0] !== null));
  });
  const places = [...new Set(points.flatMap((each) => [...each.keys()]))].sort((a, b) => a - b);
  return [places, ...points.map((each) => places.map((place) => each.get(place) ?? null))];
}

/** The values at the cursor. */
function hints(courses: Course[], unit: "epoch" | "seconds"): uPlot.Plugin {
  const box = document.createElement("div");
  box.className = "chart-hint";
  return {
    hooks: {
      init: (chart) => void chart.over.append(box),
      setCursor: (chart) => {
        const index = chart.cursor.idx;
        const left = chart.cursor.left ?? -1;
        box.hidden = index === null || index === undefined || left < 0;
        if (box.hidden || index === null || index === undefined) {
          return;
        }
        const lines = courses.map((course, number) => {
          const line = document.createElement("div");
          const dot = document.createElement("span");
          dot.className = "dot";
          dot.style.background = courses[number]?.colour ?? colourOf(number);
          line.append(dot, `${visible(course.name)}  ${short(chart.data[number + 1]?.[index])}`);
          return line;
        });
        const head = document.createElement("strong");
        const place = chart.data[0][index] ?? 0;
        head.textContent = unit === "epoch" ? `Epoch ${place}` : duration(place);
        box.replaceChildren(head, ...lines);
        const flips = left > chart.over.clientWidth / 2;
        box.style.left = flips ? "" : `${left + 12}px`;
        box.style.right = flips ? `${chart.over.clientWidth - left + 12}px` : "";
      },
    },
  };
}
