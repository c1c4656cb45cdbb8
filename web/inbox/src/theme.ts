import { createTheme, type MantineColorsTuple } from "@mantine/core";

/** The one accent. White on shade 7 and shade 7 on white both pass AA. */
const accent: MantineColorsTuple = ["#eef9f5", "#d9f1e9", "#b0e2d3", "#82d1ba", "#5cc2a6", "#3fae90", "#268f75", "#17745f", "#0f5f4d", "#0a493c"];

/** Greys of the dark scheme, with a breath of the accent. */
const dark: MantineColorsTuple = ["#d5dbd9", "#b3bcb9", "#8f9b98", "#66716e", "#414b48", "#343d3a", "#242b29", "#1a1f1e", "#151918", "#101413"];

export const theme = createTheme({
  primaryColor: "accent",
  primaryShade: { light: 7, dark: 7 },
  colors: { accent, dark },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace',
  defaultRadius: 8,
  cursorType: "pointer",
  respectReducedMotion: true,
  fontSizes: { xs: "13px", sm: "14px", md: "14px", lg: "16px", xl: "20px" },
  components: {
    Tooltip: { defaultProps: { openDelay: 400, withArrow: true, transitionProps: { duration: 100 } } },
    Modal: { defaultProps: { transitionProps: { duration: 120 }, radius: 8 }, styles: { title: { fontSize: 16, fontWeight: 600 } } },
    Drawer: { defaultProps: { transitionProps: { duration: 120 } } },
    Menu: { defaultProps: { transitionProps: { duration: 80 }, shadow: "md", withInitialFocusPlaceholder: false } },
    Popover: { defaultProps: { transitionProps: { duration: 80 }, shadow: "md" } },
  },
});
