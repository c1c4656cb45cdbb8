/** Where the product under test is reached. */
export function address(): string {
  const url = process.env["PARLEY_E2E_URL"];
  if (!url) throw new Error("PARLEY_E2E_URL is not set: the global set-up starts the product and sets it");
  return url;
}
