// Light or dark: as the system has it, until a person says otherwise.

import { effect, signal } from "@preact/signals";
import { remember, remembered } from "./state";

type Theme = "light" | "dark";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const chosen = signal<Theme | null>(remembered<Theme | null>("theme", null));
const system = signal<Theme>(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => (system.value = dark.matches ? "dark" : "light"));

export const theme = signal<Theme>("light");

effect(() => {
  theme.value = chosen.value ?? system.value;
  document.documentElement.dataset["theme"] = theme.value;
});

export function switchTheme(): void {
  chosen.value = theme.value === "dark" ? "light" : "dark";
  remember("theme", chosen.value);
}
