import classes from "./logo.module.css";

export function Logo({ mark = false }: { mark?: boolean }) {
  return (
    <span className={classes.logo}>
      <img src="/assets/parley.svg" alt={mark ? "Parley" : ""} width={28} height={28} />
      {!mark && <span className={classes.word}>Parley</span>}
    </span>
  );
}
