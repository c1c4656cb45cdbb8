import { useTranslation } from "react-i18next";
import type { Dialogue } from "../api/types";

/** What to call a customer: the name, or a visitor's number when it was never told. */
export function useCustomerName(): (contact: Dialogue["contact"]) => string {
  const { t } = useTranslation();
  return (contact) => contact.name?.trim() || t("customer.visitor", { number: contact.number });
}
