// The table: only the rows that are in view are elements, so that ten thousand scroll as ten do.

import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import { Component, options as renderer, type JSX } from "preact";
import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { Icon } from "../parts/Icon";
import { addressOf } from "../route";
import { selected, toggle } from "../state";
import { plural, short, shortHash, visible } from "../text";
import { NOW, type Row, type Value } from "../types";
import { type Field, parts } from "./fields";
import { heat, ranges } from "./order";
import * as view from "./view";

const ROW = 36;
const NAME_WIDTH = 200;
const MARK_WIDTH = 40;
const MOST_BADGES = 3;
const MOST_PRINTED = 2000;

export function Table({ onEdit, isHot }: { onEdit: (row: Row) => void; isHot: boolean }) {
  const area = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState(0);
  const lines = view.lines.value;
  const fields = view.shownFields.value;
  const items = useVirtual(area, lines.length);
  const widthOf = (field: Field) => view.widths.value[field.id] ?? field.width;
  const pinned = Math.min(view.pinned.value, fields.length);
  const lefts = useMemo(() => {
    let at = MARK_WIDTH + NAME_WIDTH;
    return fields.map((field) => (at += widthOf(field)) - widthOf(field));
  }, [fields, view.widths.value]);
  const total = MARK_WIDTH + NAME_WIDTH + fields.reduce((sum, field) => sum + widthOf(field), 0);
  const rows = view.rows.value;
  const hot = useMemo(
    () => (isHot ? ranges(fields, (field) => rows.map(field.value)) : new Map<string, [number, number]>()),
    [rows, fields, isHot],
  );
  const styles = useMemo(
    () =>
      fields.map((field, index): JSX.CSSProperties => {
        const style: JSX.CSSProperties = { width: `${widthOf(field)}px` };
        return index < pinned ? { ...style, left: `${lefts[index]}px` } : style;
      }),
    [fields, lefts, pinned],
  );
  const look = useMemo(() => ({ styles, pinned, hot }), [styles, pinned, hot]);

  const move = (next: number) => {
    const index = Math.max(0, Math.min(lines.length - 1, next));
    setCursor(index);
    items.scrollTo(index);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== area.current || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const page = Math.max(1, Math.floor((area.current?.clientHeight ?? 400) / ROW) - 2);
    const steps: Record<string, number> = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page };
    const line = lines[cursor];
    if (event.key in steps) {
      move(cursor + (steps[event.key] ?? 0));
    } else if (event.key === "Home" || event.key === "End") {
      move(event.key === "Home" ? 0 : lines.length - 1);
    } else if (line && "row" in line && event.key === "Enter") {
      location.hash = addressOf("snapshot", [line.row.hash]);
    } else if (line && "row" in line && (event.key === " " || event.key === "x")) {
      toggle(line.row.hash);
    } else if (line && "group" in line && (event.key === "Enter" || event.key === " ")) {
      view.toggleGroup(line.key);
    } else {
      return;
    }
    event.preventDefault();
  };

  return (
    <div
      class="grid"
      ref={area}
      role="grid"
      aria-label="Experiments"
      aria-rowcount={lines.length + 1}
      aria-colcount={fields.length + 2}
      aria-multiselectable="true"
      aria-activedescendant={lines.length ? `line-${cursor}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div class="grid-head" role="row" aria-rowindex={1} style={{ width: `${total}px` }}>
        <div class="cell mark" role="columnheader" style={{ width: `${MARK_WIDTH}px` }}>
          <span class="hidden-text">Chosen</span>
        </div>
        <div class="cell name" role="columnheader" style={{ width: `${NAME_WIDTH}px` }}>
          Snapshot
        </div>
        {fields.map((field, index) => (
          <Head key={field.id} field={field} index={index} style={styles[index] ?? {}} isPinned={index < pinned} />
        ))}
      </div>
      <div class="grid-body" role="rowgroup" style={{ width: `${total}px`, height: `${items.size}px` }}>
        {items.list.map(({ index, start }) => {
          const line = lines[index];
          if (!line) {
            return null;
          }
          const at = { transform: `translateY(${start}px)`, width: `${total}px` };
          if ("group" in line) {
            return <GroupLine key={`g${line.key}`} line={line} index={index} style={at} isCursor={index === cursor} />;
          }
          const isChosen = selected.value.has(line.row.hash);
          return <RowLine key={line.row.hash} row={line.row} {...{ index, start, total, isChosen, fields, look, onEdit }} isCursor={index === cursor} />;
        })}
      </div>
    </div>
  );
}

/** What is the same for all rows. */
interface Look {
  styles: JSX.CSSProperties[];
  pinned: number;
  hot: Map<string, [number, number]>;
}

interface LineProps {
  row: Row;
  index: number;
  start: number;
  total: number;
  isChosen: boolean;
  isCursor: boolean;
  fields: Field[];
  look: Look;
  onEdit: (row: Row) => void;
}

/** A row, which is made anew only if something of it has changed, and not whenever another one comes into view. */
class RowLine extends Component<LineProps> {
  override shouldComponentUpdate(next: LineProps): boolean {
    return (Object.keys(next) as (keyof LineProps)[]).some((name) => next[name] !== this.props[name]);
  }

  override render() {
    const { row, index, start, total, isChosen, isCursor, fields, look, onEdit } = this.props;
    const name = row.tags?.[0] ? visible(row.tags[0]) : shortHash(row.hash) || "the present state";
    return (
      <div
        id={`line-${index}`}
        role="row"
        aria-rowindex={index + 2}
        aria-selected={isChosen}
        class={`line${isCursor ? " cursor" : ""}${isChosen ? " chosen" : ""}`}
        style={{ transform: `translateY(${start}px)`, width: `${total}px` }}
      >
        <div class="cell mark" role="gridcell" style={MARK_STYLE}>
          <input type="checkbox" aria-label={`Choose ${name}`} checked={isChosen} onChange={() => toggle(row.hash)} />
        </div>
        <div class="cell name" role="gridcell" style={NAME_STYLE}>
          <Name row={row} />
        </div>
        {fields.map((field, place) => (
          <Cell
            key={field.id}
            field={field}
            row={row}
            style={look.styles[place] ?? {}}
            isPinned={place < look.pinned}
            heat={heat(field, field.value(row), look.hot.get(field.id))}
            onEdit={onEdit}
          />
        ))}
      </div>
    );
  }
}

const MARK_STYLE = { width: `${MARK_WIDTH}px` };
const NAME_STYLE = { width: `${NAME_WIDTH}px` };

function Name({ row }: { row: Row }) {
  const isNow = row.hash === NOW;
  const tags = row.tags ?? [];
  const state = Object.values(row.runs ?? {})[0];
  return (
    <>
      <a href={addressOf("snapshot", [row.hash])} class={isNow ? "present" : undefined} tabIndex={-1}>
        {isNow ? "Present state" : visible(tags[0] ?? shortHash(row.hash))}
      </a>
      {tags.slice(1, 2).map((tag) => (
        <span class="tag" key={tag} title={tags.map(visible).join(", ")}>
          {visible(tag)}
        </span>
      ))}
      {!isNow && row.is_present && (
        <span class="dot-present" title="The present state is this snapshot">
          <span class="hidden-text">present</span>
        </span>
      )}
      {state && <span class={`state ${state}`}>{visible(state)}</span>}
    </>
  );
}

interface CellProps {
  field: Field;
  row: Row;
  style: JSX.CSSProperties;
  isPinned: boolean;
  heat: number | null;
  onEdit: (row: Row) => void;
}

function Cell({ field, row, style, isPinned, heat, onEdit }: CellProps) {
  const value = field.value(row);
  const kind = typeof value === "number" ? " number" : "";
  const look = heat === null ? style : ({ ...style, "--heat": `${Math.round(heat * 100)}%` } as JSX.CSSProperties);
  const name = `cell ${field.kind}${kind}${isPinned ? " pinned" : ""}${heat === null ? "" : " hot"}`;
  const canEdit = (field.id === "about:labels" || field.id === "about:message") && row.hash !== NOW;
  return (
    <div class={name} role="gridcell" style={look} title={visible(value ?? "")} onDblClick={canEdit ? () => onEdit(row) : undefined}>
      {field.id === "about:labels" ? <Labels labels={row.labels ?? {}} /> : <span class="value">{text(field, value)}</span>}
    </div>
  );
}

const text = (field: Field, value: Value | undefined) =>
  field.id === "about:message" ? visible(String(value ?? "").split("\n")[0]) : short(value);

export function Labels({ labels }: { labels: Record<string, string> }) {
  const entries = Object.entries(labels);
  return (
    <>
      {entries.slice(0, MOST_BADGES).map(([key, value]) => (
        <span class="label" key={key}>
          <span class="key">{visible(key)}</span>
          {visible(value)}
        </span>
      ))}
      {entries.length > MOST_BADGES && <span class="muted">+{entries.length - MOST_BADGES}</span>}
    </>
  );
}

function GroupLine(props: {
  line: { group: string; count: number; key: string };
  index: number;
  style: JSX.CSSProperties;
  isCursor: boolean;
}) {
  const { line, index, style, isCursor } = props;
  const isOpen = !view.closed.value.has(line.key);
  const name = view.grouping.value ? parts(view.grouping.value.name)[1] : "";
  return (
    <div id={`line-${index}`} role="row" aria-rowindex={index + 2} class={`line group${isCursor ? " cursor" : ""}`} style={style}>
      <div role="gridcell" class="cell group-cell">
        <button type="button" tabIndex={-1} aria-expanded={isOpen} onClick={() => view.toggleGroup(line.key)}>
          <Icon name={isOpen ? "down" : "right"} />
          {name}: <strong>{visible(line.group) || "none"}</strong>
          <span class="muted">{plural(line.count, "row")}</span>
        </button>
      </div>
    </div>
  );
}

function Head({ field, index, style, isPinned }: { field: Field; index: number; style: JSX.CSSProperties; isPinned: boolean }) {
  const [isOver, setOver] = useState(false);
  const order = view.sorting.value?.field.id === field.id ? view.sorting.value : null;
  const [of, own] = parts(field.name);
  const direction = field.larger === null ? "" : field.larger ? ", larger is better" : ", smaller is better";
  const startResize = (event: PointerEvent) => {
    event.preventDefault();
    event.stopPropagation();
    const [from, width] = [event.clientX, parseFloat(String(style.width))];
    const onMove = (moved: PointerEvent) => view.setWidth(field.id, Math.max(56, Math.min(700, width + moved.clientX - from)));
    const onUp = () => {
      window.removeEventListener("pointermove", onMove);
      window.removeEventListener("pointerup", onUp);
    };
    window.addEventListener("pointermove", onMove);
    window.addEventListener("pointerup", onUp);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const ids = view.shownFields.value.map((each) => each.id);
    const from = ids.indexOf(event.dataTransfer?.getData("text/plain") ?? "");
    if (from >= 0 && from !== index) {
      ids.splice(index, 0, ...ids.splice(from, 1));
      view.showFields(ids);
    }
  };
  return (
    <div
      class={`cell ${field.kind}${isPinned ? " pinned" : ""}${isOver ? " drop" : ""}`}
      role="columnheader"
      aria-sort={order ? (order.isDescending ? "descending" : "ascending") : "none"}
      style={style}
      draggable
      onDragStart={(event) => event.dataTransfer?.setData("text/plain", field.id)}
      onDragOver={(event) => (event.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <button type="button" tabIndex={-1} title={`${visible(field.name)} (${field.kind === "about" ? "snapshot" : field.kind}${direction})`} onClick={() => view.sortBy(field)}>
        {of && <span class="of">{of}</span>}
        <span class="own">
          {own}
          {order && <Icon name={order.isDescending ? "down" : "up"} />}
        </span>
      </button>
      <span class="resize" onPointerDown={startResize} />
    </div>
  );
}

/** Whether the page is being printed. The browser does not wait: what is to be on paper is there on return. */
function useIsPrinted(): boolean {
  const [isPrinted, setPrinted] = useState(false);
  useEffect(() => {
    const before = () => {
      const usual = renderer.debounceRendering;
      renderer.debounceRendering = (render) => render();
      setPrinted(true);
      usual ? (renderer.debounceRendering = usual) : delete renderer.debounceRendering;
    };
    const after = () => setPrinted(false);
    window.addEventListener("beforeprint", before);
    window.addEventListener("afterprint", after);
    return () => {
      window.removeEventListener("beforeprint", before);
      window.removeEventListener("afterprint", after);
    };
  }, []);
  return isPrinted;
}

/** The rows that are in view; on paper, the first ones. */
function useVirtual(area: { current: HTMLDivElement | null }, count: number) {
  const [, redraw] = useReducer((number: number) => number + 1, 0);
  const kept = useRef<Virtualizer<HTMLDivElement, Element> | null>(null);
  const options = {
    count,
    getScrollElement: () => area.current,
    estimateSize: () => ROW,
    overscan: 8,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    scrollPaddingStart: 48,
    onChange: () => redraw(0),
  };
  kept.current ??= new Virtualizer<HTMLDivElement, Element>(options);
  kept.current.setOptions(options);
  useEffect(() => kept.current?._didMount(), []);
  useEffect(() => kept.current?._willUpdate());
  const virtual = kept.current;
  const isPrinted = useIsPrinted();
  return {
    list: isPrinted
      ? Array.from({ length: Math.min(count, MOST_PRINTED) }, (_, index) => ({ index, start: index * ROW }))
      : virtual.getVirtualItems(),
    size: virtual.getTotalSize(),
    scrollTo: (index: number) => virtual.scrollToIndex(index, { align: "auto" }),
  };
}
