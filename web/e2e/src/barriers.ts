import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

/** Finds what would keep people out: violations that axe calls serious or critical. */
export async function barriers(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}\n  ${node.failureSummary ?? ""}`));
}
