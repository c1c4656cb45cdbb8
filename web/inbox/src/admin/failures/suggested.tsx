import { Button, Group, Modal, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { dialoguePath, navigate } from "../../router";

/** What the bot wrote for the operators, and where. */
export interface Draft {
  dialogueID: string;
  /** It had something to say. */
  written: boolean;
}

/** Says that nothing was sent, because humans are at it, and leads to the draft. */
export function SuggestedDialog({ draft, onClose }: { draft: Draft | null; onClose(): void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={draft !== null} onClose={onClose} title={t("failures.suggestedTitle")} closeButtonProps={{ "aria-label": t("common.close") }} centered>
      {draft && (
        <>
          <Text>{draft.written ? t("failures.suggested") : t("failures.suggestedNothing")}</Text>
          <Group justify="flex-end" mt="md">
            <Button variant="default" onClick={onClose}>
              {t("common.close")}
            </Button>
            <Button onClick={() => navigate(dialoguePath(draft.dialogueID), { toWrite: true })}>{draft.written ? t("failures.openDraft") : t("failures.dialogue")}</Button>
          </Group>
        </>
      )}
    </Modal>
  );
}
