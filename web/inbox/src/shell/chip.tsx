import { Menu, UnstyledButton } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import type { ReactNode, Ref } from "react";
import classes from "./chip.module.css";

interface MenuChipProps {
  /** What is chosen, or the name when nothing is. */
  label: string;
  name: string;
  active: boolean;
  closeOnItemClick?: boolean;
  children: ReactNode;
}

/** A filter with choices. */
export function MenuChip({ label, name, active, closeOnItemClick = false, children }: MenuChipProps) {
  return (
    <Menu position="bottom-start" closeOnItemClick={closeOnItemClick} withinPortal>
      <Menu.Target>
        <UnstyledButton className={classes.chip} data-active={active || undefined} aria-label={active ? `${name}: ${label}` : name}>
          <span className={classes.chipLabel}>{label}</span>
          <IconChevronDown size={14} stroke={2} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown className={classes.choices}>{children}</Menu.Dropdown>
    </Menu>
  );
}

interface ChoiceChipProps<T extends string> {
  name: string;
  value: T | null;
  options: { value: T; label: ReactNode; text: string }[];
  /** What it is called when everything is wanted. */
  any: string;
  onChange(value: T | null): void;
}

/** A filter of which one choice counts, or none. */
export function ChoiceChip<T extends string>({ name, value, options, any, onChange }: ChoiceChipProps<T>) {
  const chosen = options.find((option) => option.value === value);
  return (
    <MenuChip name={name} label={chosen?.text ?? name} active={value !== null} closeOnItemClick>
      <Menu.RadioGroup value={value ?? ""} onChange={(next) => onChange(options.find((option) => option.value === next)?.value ?? null)}>
        <Menu.RadioItem value="">{any}</Menu.RadioItem>
        {options.map((option) => (
          <Menu.RadioItem key={option.value} value={option.value}>
            {option.label}
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
    </MenuChip>
  );
}

export function Choice({ checked, onClick, children }: { checked: boolean; onClick(): void; children: ReactNode }) {
  return (
    <Menu.CheckboxItem checked={checked} onChange={onClick}>
      {children}
    </Menu.CheckboxItem>
  );
}

interface ToggleChipProps {
  /** Names a chip that shows only an icon. */
  label?: string;
  active: boolean;
  onClick(): void;
  children: ReactNode;
  ref?: Ref<HTMLButtonElement>;
}

/** A filter that is on or off. */
export function ToggleChip({ label, active, onClick, children, ref, ...rest }: ToggleChipProps) {
  return (
    <UnstyledButton {...rest} ref={ref} className={classes.chip} data-active={active || undefined} aria-label={label} aria-pressed={active} onClick={onClick}>
      {children}
    </UnstyledButton>
  );
}
