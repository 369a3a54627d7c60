// The experiments: what a person sees first.

import { useEffect, useState } from "preact/hooks";
import { isExport } from "../data";
import { copy } from "../parts/Copy";
import { Icon } from "../parts/Icon";
import { addressOf, route, setOptions } from "../route";
import { reload, remember, remembered, selected, table } from "../state";
import { plural, visible } from "../text";
import type { Row } from "../types";
import { Columns } from "./Columns";
import { csv, save } from "./csv";
import { Edit } from "./Edit";
import { Table } from "./Table";
import * as view from "./view";

export const MOST_COMPARED = 20;

export function ExperimentsPage() {
  const [isChoosing, setChoosing] = useState(false);
  const [isHot, setHot] = useState(() => remembered("heat", true));
  const [edited, setEdited] = useState<Row | null>(null);
  const expression = view.expression.value;
  useEffect(() => void view.applyFilter(), [expression, table.value]);
  const shown = view.rows.value;
  const all = table.value?.rows.length ?? 0;
  const heated = () => {
    setHot(!isHot);
    remember("heat", !isHot);
  };
  const groups = view.fields.value.filter((field) => field.kind === "parameter" || field.id === "about:author" || field.id === "about:host");
  return (
    <main class="experiments">
      <h1 class="hidden-text">Experiments</h1>
      <div class="tools" role="toolbar" aria-label="Experiments">
        <label class="field grow-1">
          <Icon name="search" />
          <input id="search" type="search" placeholder="Search messages, tags, parameters" aria-label="Search" value={view.text.value} onInput={(event) => setOptions({ q: event.currentTarget.value })} />
        </label>
        <Filter />
        <label class="select">
          <span class="hidden-text">Group by</span>
          <select value={route.value.options.get("group") ?? ""} onChange={(event) => setOptions({ group: event.currentTarget.value })}>
            <option value="">No groups</option>
            {groups.map((field) => (
              <option key={field.id} value={field.id}>
                by {visible(field.name)}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="button" aria-pressed={isChoosing} onClick={() => setChoosing(!isChoosing)}>
          <Icon name="columns" />
          Columns
        </button>
        <button type="button" class="icon-button framed" aria-pressed={isHot} aria-label="Colours for good and bad values" title="Colours for good and bad values" onClick={heated}>
          <Icon name="heat" />
        </button>
        <button type="button" class="icon-button framed" aria-label="Download what is shown as CSV" title="Download what is shown as CSV" onClick={() => save("experiments.csv", csv(shown, view.shownFields.value))}>
          <Icon name="download" />
        </button>
        <button type="button" class="icon-button framed" aria-label="Copy the address of this view" title="Copy the address of this view" onClick={() => void copy(sharedAddress())}>
          <Icon name="link" />
        </button>
        {!isExport && (
          <button type="button" class="icon-button framed" aria-label="Read again" title="Read again" onClick={() => void reload(true)}>
            <Icon name="reload" />
          </button>
        )}
      </div>
      <p class="count" role="status">
        {shown.length === all ? plural(all, "row") : `${shown.length.toLocaleString("en")} of ${plural(all, "row")}`}
        {view.filterProblem.value && <span class="error-text"> The filter is not applied: {visible(view.filterProblem.value)}</span>}
      </p>
      <div class="with-side">
        {all === 0 ? <Empty /> : <Table isHot={isHot} onEdit={isExport ? nothing : setEdited} />}
        {isChoosing && <Columns onClose={() => setChoosing(false)} />}
      </div>
      {selected.value.size > 0 && <Chosen onEdit={setEdited} />}
      {edited && <Edit row={edited} onClose={() => setEdited(null)} />}
    </main>
  );
}

const nothing = () => undefined;

/** The address with the columns in it, also where they are those that this browser remembers. */
function sharedAddress(): string {
  const options = new URLSearchParams(route.value.options);
  options.set("columns", view.shownFields.value.map((field) => encodeURIComponent(field.id)).join(","));
  return `${location.href.split("#")[0]}${addressOf("")}?${options}`;
}

function Filter() {
  const [typed, setTyped] = useState(view.expression.value);
  useEffect(() => setTyped(view.expression.value), [view.expression.value]);
  useEffect(() => {
    const waiting = window.setTimeout(() => typed !== view.expression.value && setOptions({ where: typed }), 350);
    return () => window.clearTimeout(waiting);
  }, [typed]);
  const example = view.fields.value.find((field) => field.kind === "metric" && !field.name.includes("."))?.name ?? "accuracy";
  return (
    <label class={`field grow-2${view.filterProblem.value ? " wrong" : ""}`}>
      <Icon name="filter" />
      <input
        class="mono"
        spellcheck={false}
        placeholder={`Filter, such as: ${visible(example)} > 0.9`}
        aria-label="Filter"
        aria-invalid={view.filterProblem.value !== ""}
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Enter" && setOptions({ where: typed })}
      />
    </label>
  );
}

function Chosen({ onEdit }: { onEdit: (row: Row) => void }) {
  const hashes = [...selected.value];
  const only = hashes.length === 1 ? table.value?.rows.find((row) => row.hash === hashes[0]) : undefined;
  const canCompare = hashes.length >= 2 && hashes.length <= MOST_COMPARED;
  return (
    <div class="chosen-bar" role="region" aria-label="Chosen rows">
      <span>{plural(hashes.length, "row")} chosen</span>
      {only && !isExport && only.hash !== "now" && (
        <button type="button" class="button" onClick={() => onEdit(only)}>
          <Icon name="edit" />
          Labels and notes
        </button>
      )}
      {canCompare ? (
        <a class="button main" href={addressOf("compare", hashes)}>
          Compare
        </a>
      ) : (
        <span class="muted">{hashes.length < 2 ? "Choose two or more to compare them" : `At most ${MOST_COMPARED} can be compared`}</span>
      )}
      <button type="button" class="icon-button" aria-label="Choose none" onClick={() => (selected.value = new Set())}>
        <Icon name="close" />
      </button>
    </div>
  );
}

function Empty() {
  return (
    <div class="empty">
      <h2>No experiments yet</h2>
      <p>
        Each snapshot of the workspace is a row here. <code>dws snapshot -m "What it is" TAG</code> takes the first one.
      </p>
    </div>
  );
}
