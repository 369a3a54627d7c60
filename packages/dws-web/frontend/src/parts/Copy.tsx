import { useState } from "preact/hooks";
import { tell } from "../state";
import { visible } from "../text";
import { Icon } from "./Icon";

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell("Copied");
  } catch {
    tell("The browser did not allow to copy");
  }
}

/** A text to take along, such as a command. */
export function Copyable({ text }: { text: string }) {
  const [done, setDone] = useState(false);
  const onClick = async () => {
    await copy(text);
    setDone(true);
    window.setTimeout(() => setDone(false), 1500);
  };
  return (
    <div class="copyable">
      <pre tabIndex={0}>{visible(text)}</pre>
      <button type="button" class="icon-button" aria-label="Copy" title="Copy" onClick={onClick}>
        <Icon name={done ? "check" : "copy"} />
      </button>
    </div>
  );
}
