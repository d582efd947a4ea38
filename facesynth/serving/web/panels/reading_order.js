/** What is seen first is read and tabbed through first: the parts of the page stand in the order of the screen. */

/** As in layout.css. */
const UPRIGHT = "(max-width: 520px), (max-width: 1100px) and (orientation: portrait)";

/** Keep them so, also when the screen is turned. CSS alone (reading-flow) does it in some browsers, and there now and then. */
export function keepReadingOrder() {
  const main = document.querySelector("main");
  const [labels, , picture] = main.children;
  const upright = matchMedia(UPRIGHT);
  const put = () => {
    const focused = document.activeElement;
    main.prepend(upright.matches ? picture : labels);
    main.append(upright.matches ? labels : picture);
    focused.focus({ preventScroll: true });
  };
  put();
  upright.addEventListener("change", put);
}
