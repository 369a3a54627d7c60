// How names, values and sizes are written. Names and values are anybody's.

import type { About, Value } from "./types";
import { NOW } from "./types";

// Control characters, what reverses the direction of text, line separators, and halves of characters.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/gu;

/** Text that shows what would not be seen, or would change how other text is read. */
export function visible(text: unknown): string {
  return String(text).replace(UNSAFE, (char) => {
    const code = char.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
  });
}

export function asNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A value in few characters: four digits that count. */
export function short(value: unknown): string {
  if (value === null || value === undefined) {
    return "";
  }
  if (typeof value !== "number") {
    return visible(value);
  }
  if (Number.isInteger(value) && Math.abs(value) < 1e9) {
    return String(value);
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) {
    return value.toExponential(3).replace(/\.?0+e/, "e");
  }
  return String(Number(value.toPrecision(size >= 1000 ? 6 : 4)));
}

export function sizeText(bytes: number | null): string {
  if (bytes === null) {
    return "";
  }
  if (bytes < 1000) {
    return `${bytes} B`;
  }
  const unit = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** unit).toPrecision(3))} ${["B", "kB", "MB", "GB", "TB"][unit]}`;
}

export function duration(seconds: number): string {
  if (seconds < 60) {
    return `${Number(seconds.toPrecision(3))} s`;
  }
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return `${hours ? `${hours} h ` : ""}${minutes} min ${Math.round(seconds % 60)} s`;
}

export const when = (time: string | undefined) => visible((time ?? "").slice(0, 16).replace("T", " "));

export const shortHash = (hash: string) => (hash === NOW ? "" : hash.slice(0, 7));

/** What a person calls a snapshot. */
export function title(about: About): string {
  if (about.hash === NOW) {
    return "Present state";
  }
  return visible(about.tags?.[0] ?? shortHash(about.hash));
}

export const plural = (count: number, one: string, many = `${one}s`) =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

export const same = (a: Value | undefined, b: Value | undefined) => (a ?? null) === (b ?? null);
