// Elements, made one by one: no HTML is built from text, whatever stands in it.

// Control characters, and those that turn the direction of text, as the core has them (src/policy/text.rs).
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** A text with what would change how it is read written out. */
export const visible = (text) =>
  String(text).replace(CONTROLS, (it) => `\\u{${it.codePointAt(0).toString(16)}}`);

/** An element with attributes, listeners (`onclick`) and children: elements, texts, or nothing. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(visible(child)));
  }
  return element;
}

/** The text with what stands in backticks as code. */
export const coded = (text) =>
  String(text).split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));

export const find = (id) => document.getElementById(id);

/** Puts these children in place of all others. */
export const fill = (target, ...children) => target.replaceChildren(...children.flat(Infinity).filter(Boolean));
