// What is shown, as CSV.

import type { Row } from "../types";
import { NOW } from "../types";
import type { Field } from "./fields";

export function csv(rows: Row[], fields: Field[]): string {
  const head = ["tags", ...fields.map((field) => field.name)];
  const lines = rows.map((row) => [
    (row.tags ?? []).join(", "),
    ...fields.map((field) => (field.id === "about:hash" ? (row.hash === NOW ? "" : row.hash) : (field.value(row) ?? ""))),
  ]);
  return [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

function cell(value: unknown): string {
  let text = String(value);
  // A spreadsheet would run it.
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) {
    text = `'${text}`;
  }
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function save(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
