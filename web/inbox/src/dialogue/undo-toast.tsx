import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";

interface UndoToast {
  id: string;
  message: string;
  undo: string;
  dismiss: string;
  onUndo(): void;
}

/** Says what was done, and takes it back within five seconds. */
export function undoToast({ id, message, undo, dismiss, onUndo }: UndoToast): void {
  notifications.hide(id);
  notifications.show({
    id,
    color: "accent",
    autoClose: 5_000,
    closeButtonProps: { "aria-label": dismiss },
    message: (
      <Group justify="space-between" wrap="nowrap">
        <span>{message}</span>
        <Button
          size="compact-sm"
          variant="subtle"
          onClick={() => {
            notifications.hide(id);
            onUndo();
          }}
        >
          {undo}
        </Button>
      </Group>
    ),
  });
}
