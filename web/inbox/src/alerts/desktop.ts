// Desktop notifications, only after the operator asked for them.
import { useSyncExternalStore } from "react";

export type DesktopPermission = NotificationPermission | "unsupported";

const listeners = new Set<() => void>();

export function desktopPermission(): DesktopPermission {
  return typeof Notification === "undefined" ? "unsupported" : Notification.permission;
}

export async function askForDesktop(): Promise<void> {
  if (desktopPermission() !== "default") return;
  await Notification.requestPermission();
  listeners.forEach((listener) => listener());
}

export function useDesktopPermission(): DesktopPermission {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, desktopPermission);
}

export function notifyDesktop(title: string, body: string, tag: string, onClick: () => void): void {
  if (desktopPermission() !== "granted") return;
  try {
    const notification = new Notification(title, { body, tag, icon: "/assets/parley.svg" });
    notification.onclick = () => {
      window.focus();
      notification.close();
      onClick();
    };
  } catch {
    // Some mobile browsers have the constructor but refuse it; the toast and the sound remain.
  }
}
