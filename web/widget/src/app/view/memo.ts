import { Component, h, type ComponentType, type VNode } from "preact";

/** A component that is drawn again only when one of its properties changed. */
export function memo<P extends object>(view: (props: P) => VNode | null): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const previous: Record<string, unknown> = { ...this.props };
      return Object.entries(next).some(([name, value]) => name !== "children" && previous[name] !== value);
    }

    override render(props: P) {
      return h(view, props);
    }
  };
}
