// Elements with text in them, and nothing but text.

export function make<K extends keyof HTMLElementTagNameMap>(tag: K, text?: string | null, className?: string | null): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) {
    made.textContent = text;
    made.dir = "auto";
  }
  if (className) {
    made.className = className;
  }
  return made;
}

export function put<E extends HTMLElement>(parent: E, ...children: (Node | string)[]): E {
  parent.append(...children);
  return parent;
}

export function button(text: string, about: { id?: string; title: string; label?: string }): HTMLButtonElement {
  const made = make("button", text);
  made.type = "button";
  made.title = about.title;
  if (about.id) {
    made.id = about.id;
  }
  if (about.label) {
    made.setAttribute("aria-label", about.label);
  }
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Record<string, string | number>, text?: string): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, String(value));
  }
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}
