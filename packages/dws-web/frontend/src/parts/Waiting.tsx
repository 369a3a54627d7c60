import { useEffect, useState } from "preact/hooks";
import type { Failure } from "../data";
import { asFailure } from "../state";
import { visible } from "../text";

/** What is loaded for a page; null until it is there. */
export function useLoaded<T>(load: () => Promise<T>, changes: unknown[]): [T | null, Failure | null, (value: T) => void] {
  const [value, setValue] = useState<T | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    let isWanted = true;
    setValue(null);
    setFailure(null);
    load().then(
      (found) => isWanted && setValue(found),
      (error) => isWanted && setFailure(asFailure(error)),
    );
    return () => {
      isWanted = false;
    };
  }, changes);
  return [value, failure, setValue];
}

export function Waiting({ failure }: { failure: Failure | null }) {
  if (failure) {
    return (
      <div class="empty" role="alert">
        <h2>{visible(failure.message)}</h2>
        {failure.hint && <p>{visible(failure.hint)}</p>}
      </div>
    );
  }
  return (
    <div class="waiting" role="status">
      <span class="hidden-text">Loading</span>
    </div>
  );
}
