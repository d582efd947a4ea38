/** Light, dark, or as the machine has it. */

import { part } from "./elements.js";

const ORDER = ["auto", "light", "dark"];

export function showTheme(state) {
  const button = part("theme");
  button.addEventListener("click", () => {
    state.set("theme", ORDER[(ORDER.indexOf(state.get("theme")) + 1) % ORDER.length]);
  });
  state.watch("theme", (theme) => {
    document.documentElement.dataset.theme = theme;
    button.title = `Theme: ${theme}`;
    button.setAttribute("aria-label", `Theme: ${theme}`);
  });
}
