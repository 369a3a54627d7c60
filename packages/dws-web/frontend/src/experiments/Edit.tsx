// Labels and notes of a snapshot, changed in place.

import { useEffect, useRef, useState } from "preact/hooks";
import * as data from "../data";
import { Icon } from "../parts/Icon";
import { asFailure, replaceAbout, tell } from "../state";
import { title, visible, when } from "../text";
import type { About } from "../types";

export function Edit({ row, onClose, onChange }: { row: About; onClose: () => void; onChange?: (about: About) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [labels, setLabels] = useState(() => Object.entries(row.labels ?? {}).map(([key, value]) => `${key}=${value}`).join("\n"));
  const [note, setNote] = useState("");
  const [problem, setProblem] = useState("");
  const [isSaving, setSaving] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const save = async () => {
    setSaving(true);
    setProblem("");
    try {
      const wanted = labels.split("\n").map((line) => line.trim()).filter(Boolean);
      const before = Object.entries(row.labels ?? {}).map(([key, value]) => `${key}=${value}`);
      let after: About | null = null;
      if (wanted.join("\n") !== before.join("\n")) {
        after = await data.setLabels(row.hash, wanted);
      }
      if (note.trim()) {
        after = await data.addNote(row.hash, note.trim());
      }
      if (after) {
        replaceAbout(after);
        onChange?.(after);
        tell("Saved");
      }
      onClose();
    } catch (error) {
      const failure = asFailure(error);
      setProblem([failure.message, failure.hint].filter(Boolean).join(". "));
      setSaving(false);
    }
  };
  return (
    <dialog ref={dialog} class="edit" aria-labelledby="edit-title" onClose={onClose}>
      <form method="dialog" onSubmit={(event) => (event.preventDefault(), void save())}>
        <header>
          <h2 id="edit-title">{title(row)}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {row.message && <p>{visible(row.message)}</p>}
        <label>
          Labels, each on a line of its own
          <textarea class="mono" rows={4} spellcheck={false} placeholder="stage=production" value={labels} onInput={(event) => setLabels(event.currentTarget.value)} />
        </label>
        {(row.notes ?? []).map((each, index) => (
          <blockquote key={index} class="note">
            {visible(each.text)}
            <footer>
              {visible(each.hostname)}, {when(each.time)}
            </footer>
          </blockquote>
        ))}
        <label>
          Add a note
          <textarea rows={3} placeholder="What should be remembered of it" value={note} onInput={(event) => setNote(event.currentTarget.value)} />
        </label>
        {problem && (
          <p class="error-text" role="alert">
            {visible(problem)}
          </p>
        )}
        <footer>
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button main" disabled={isSaving}>
            Save
          </button>
        </footer>
      </form>
    </dialog>
  );
}
