// A line for each metric or parameter: its value in each of the snapshots.

import { asNumber, plural, same, short, visible } from "../text";
import type { Value } from "../types";

export interface Line {
  name: string;
  larger: boolean | null;
  values: (Value | undefined)[];
}

const MOST = 200;

export function Values({ title, lines, showsAll, isHash = false }: { title: string; lines: Line[]; showsAll: boolean; isHash?: boolean }) {
  const differs = (line: Line) => line.values.some((value) => !same(value, line.values[0]));
  const different = lines.filter(differs);
  const shown = showsAll ? [...different, ...lines.filter((line) => !differs(line))] : different;
  const equal = lines.length - different.length;
  if (!lines.length) {
    return null;
  }
  return (
    <tbody>
      <tr class="part">
        <th scope="rowgroup" colSpan={1 + (lines[0]?.values.length ?? 0)}>
          {title}
          <span class="muted">
            {different.length ? `${different.length} differ` : "all the same"}
            {different.length && equal ? `, ${plural(equal, "is", "are")} the same` : ""}
          </span>
        </th>
      </tr>
      {shown.slice(0, MOST).map((line) => {
        const best = bestOf(line);
        return (
          <tr key={line.name} class={differs(line) ? undefined : "equal"}>
            <th scope="row" title={visible(line.name)}>
              {visible(line.name)}
            </th>
            {line.values.map((value, index) => {
              const isBest = best !== null && value === best;
              return (
                <td key={index} class={`${typeof value === "number" ? "number" : ""}${isBest ? " best" : ""}`} title={visible(value ?? "")}>
                  {value === null || value === undefined ? <span class="muted">–</span> : isHash ? visible(String(value).slice(0, 7)) : short(value)}
                  {isBest && <span class="hidden-text"> best</span>}
                </td>
              );
            })}
          </tr>
        );
      })}
      {shown.length > MOST && (
        <tr>
          <th scope="row" class="muted">
            and {shown.length - MOST} more
          </th>
        </tr>
      )}
    </tbody>
  );
}

function bestOf(line: Line): number | null {
  const numbers = line.values.map(asNumber).filter((value): value is number => value !== null);
  if (line.larger === null || numbers.length < 2 || Math.min(...numbers) === Math.max(...numbers)) {
    return null;
  }
  return line.larger ? Math.max(...numbers) : Math.min(...numbers);
}
