type Child = Node | string | false | null;

/** Makes an element with attributes and children; text stays text. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, string> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child): child is Node | string => child !== false && child !== null));
  return element;
}

/** Makes a drawing of the given shapes, which are constants of this program. */
export function drawing(shapes: string, viewBox: string, name: string): Element {
  const source = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${viewBox}" class="${name}" aria-hidden="true">${shapes}</svg>`;
  return document.importNode(new DOMParser().parseFromString(source, "image/svg+xml").documentElement, true);
}
