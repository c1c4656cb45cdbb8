import { cleanup } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// What does not need a page is tested without one.
if (typeof window !== "undefined") {
  afterEach(() => {
    cleanup();
    localStorage.clear();
  });
  mendPage();
}

/** Adds what jsdom lacks and Mantine asks for. */
function mendPage() {
  const listen = { addEventListener: vi.fn(), removeEventListener: vi.fn() };
  Object.defineProperty(window, "matchMedia", { value: (query: string) => ({ matches: false, media: query, ...listen }) });
  Object.defineProperty(document, "fonts", { value: listen });
  class FakeResizeObserver {
    observe = () => undefined;
    unobserve = () => undefined;
    disconnect = () => undefined;
  }
  globalThis.ResizeObserver = FakeResizeObserver;
  Element.prototype.scrollTo = () => undefined;
}
