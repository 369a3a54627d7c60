// Which columns are shown, in which order, and how many of them stay in view.

import { useState } from "preact/hooks";
import { Icon } from "../parts/Icon";
import { plural, visible } from "../text";
import type { Field } from "./fields";
import * as view from "./view";

const KINDS = [
  ["about", "Snapshot"],
  ["metric", "Metrics"],
  ["parameter", "Parameters"],
] as const;
const MOST = 300;

export function Columns({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const shown = view.shownFields.value;
  const ids = shown.map((field) => field.id);
  const found = view.fields.value.filter((field) => field.name.toLowerCase().includes(text.trim().toLowerCase()));
  const set = (id: string, isShown: boolean) => view.showFields(isShown ? [...ids, id] : ids.filter((each) => each !== id));
  const move = (index: number, by: number) => {
    const next = [...ids];
    next.splice(index + by, 0, ...next.splice(index, 1));
    view.showFields(next);
  };
  const onKeyDown = (event: KeyboardEvent) => event.key === "Escape" && (event.stopPropagation(), onClose());
  return (
    <section class="side" aria-label="Columns" onKeyDown={onKeyDown}>
      <header>
        <h2>Columns</h2>
        <button type="button" class="text-button" onClick={() => view.showFields(null)}>
          Reset
        </button>
        <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <h3>Shown</h3>
      <ol class="shown-columns">
        {shown.map((field, index) => (
          <li key={field.id}>
            <span class={`kind ${field.kind}`} />
            <span class="grow" title={visible(field.name)}>
              {visible(field.name)}
            </span>
            <button
              type="button"
              class={`icon-button${index < view.pinned.value ? " on" : ""}`}
              aria-pressed={index < view.pinned.value}
              aria-label={`Keep ${visible(field.name)} and those before it in view`}
              title="Keep in view, with those before it"
              onClick={() => view.setPinned(index + 1 === view.pinned.value ? index : index + 1)}
            >
              <Icon name="pin" />
            </button>
            <button type="button" class="icon-button" disabled={index === 0} aria-label={`Move ${visible(field.name)} up`} onClick={() => move(index, -1)}>
              <Icon name="up" />
            </button>
            <button type="button" class="icon-button" disabled={index === shown.length - 1} aria-label={`Move ${visible(field.name)} down`} onClick={() => move(index, 1)}>
              <Icon name="down" />
            </button>
            <button type="button" class="icon-button" aria-label={`Hide ${visible(field.name)}`} onClick={() => set(field.id, false)}>
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ol>
      <label class="field">
        <Icon name="search" />
        <input type="search" placeholder={`Find one of ${view.fields.value.length} columns`} aria-label="Find a column" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {KINDS.map(([kind, title]) => (
        <Kind key={kind} title={title} fields={found.filter((field) => field.kind === kind)} ids={ids} set={set} />
      ))}
    </section>
  );
}

function Kind({ title, fields, ids, set }: { title: string; fields: Field[]; ids: string[]; set: (id: string, isShown: boolean) => void }) {
  if (!fields.length) {
    return null;
  }
  return (
    <>
      <h3>{title}</h3>
      <ul class="all-columns">
        {fields.slice(0, MOST).map((field) => (
          <li key={field.id}>
            <label title={visible(field.name)}>
              <input type="checkbox" checked={ids.includes(field.id)} onChange={(event) => set(field.id, event.currentTarget.checked)} />
              <span class="grow">{visible(field.name)}</span>
              {!field.varies && <span class="muted">same in all</span>}
            </label>
          </li>
        ))}
      </ul>
      {fields.length > MOST && <p class="muted">and {plural(fields.length - MOST, "more", "more")}: type a part of the name</p>}
    </>
  );
}
