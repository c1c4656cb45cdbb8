import type { ComponentProps } from "react";
import { navigate } from "../router";

interface LinkProps extends ComponentProps<"a"> {
  /** A path of this application. */
  to: string;
  /** The operator opens it to write. */
  toWrite?: boolean;
}

/** A link within the application: opens in place, and in another tab when that is asked for. */
export function Link({ to, toWrite = false, onClick, ...rest }: LinkProps) {
  return (
    <a
      {...rest}
      href={to}
      onClick={(event) => {
        onClick?.(event);
        if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        navigate(to, { toWrite });
      }}
    />
  );
}
