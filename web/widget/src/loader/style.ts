/** The style of the button and of the frame's place, inside a shadow root: the page's own style does not reach it. */
export const style = `
:host { all: initial; }
* { box-sizing: border-box; }
.launcher {
  position: fixed; right: 20px; bottom: 20px; z-index: 2147483000;
  width: 56px; height: 56px; padding: 0; border: 0; border-radius: 50%;
  background: #1d5fd1; color: #fff; cursor: pointer;
  box-shadow: 0 4px 16px rgba(16, 24, 40, .28);
  transition: background .12s, transform .12s;
}
.launcher:hover { background: #174fb0; }
.launcher:active { transform: scale(.96); }
.launcher:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px #1d5fd1; }
.launcher svg { display: block; width: 28px; height: 28px; margin: auto; }
.launcher .cross, .open .launcher .bubble { display: none; }
.open .launcher .cross { display: block; }
.badge {
  position: absolute; top: -4px; right: -4px; min-width: 22px; height: 22px; padding: 0 6px;
  border: 2px solid #fff; border-radius: 11px; background: #c92a2a; color: #fff;
  font: 600 12px/18px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; text-align: center;
}
.badge[hidden] { display: none; }
.panel {
  position: fixed; right: 20px; bottom: 88px; z-index: 2147483001; display: none;
  width: 384px; height: min(640px, calc(100vh - 108px)); overflow: hidden;
  border-radius: 12px; box-shadow: 0 12px 40px rgba(16, 24, 40, .3);
}
.open .panel { display: block; animation: rise .14s ease-out; }
.panel iframe { display: block; width: 100%; height: 100%; border: 0; color-scheme: normal; }
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
@media (max-width: 480px) {
  .panel { inset: 0; width: 100%; height: 100%; border-radius: 0; }
  @supports (height: 100dvh) { .panel { height: 100dvh; bottom: auto; } }
  .open .launcher { display: none; }
}
@media (max-height: 420px) {
  .panel { inset: 0 0 0 auto; height: 100%; border-radius: 0; }
  .open .launcher { display: none; }
}
@media (prefers-reduced-motion: reduce) {
  .launcher { transition: none; }
  .open .panel { animation: none; }
}
@media (forced-colors: active) { .launcher { border: 2px solid ButtonText; } }
@media print { .launcher, .panel { display: none !important; } }
`;
