/** Where a face comes from: a photo chosen, dropped, pasted or taken, an example, or a drawn one. */

import { make, part } from "./elements.js";

/** `open(file)` gets files; `draw(kind)` makes a "plain" face or a "blank" one. */
export function showStart(open, draw) {
  const dialog = part("start");
  const file = part("file");
  part("start-open").addEventListener("click", () => dialog.showModal());
  file.addEventListener("change", () => {
    if (file.files[0]) open(file.files[0]);
    file.value = "";
    dialog.close();
  });
  for (const kind of ["plain", "blank"]) {
    part(kind).addEventListener("click", () => {
      dialog.close();
      draw(kind);
    });
  }
  takePastes(open);
  takeDrops((dropped) => {
    dialog.close();
    open(dropped);
  });
}

/** Show the server's examples; `load(example)` gives the file of one. */
export async function showExamples(examples, load, open) {
  const list = part("examples");
  part("examples-part").hidden = !examples.length;
  for (const example of examples) {
    const file = await load(example);
    const image = make("img", { src: URL.createObjectURL(file), alt: "" });
    const button = make("button", { "aria-label": example.about || example.name, title: example.about ?? "" }, image);
    button.addEventListener("click", () => {
      part("start").close();
      open(file);
    });
    list.append(button);
  }
}

function takePastes(open) {
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    if (part("start").open) part("start").close();
    open(file);
  });
}

function takeDrops(open) {
  const veil = part("dropping");
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  const cover = (on) => {
    veil.hidden = !on;
  };
  document.addEventListener("dropped", () => cover(false));
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    cover(!event.target.closest?.(".slot, .regions"));
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || cover(false));
  document.addEventListener("drop", (event) => {
    cover(false);
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    open(file);
  });
}

/** Ask whose face of a photo is meant. Returns its number, null where none was chosen. */
export function chooseFace(images) {
  const dialog = part("choose");
  return new Promise((resolve) => {
    let chosen = null;
    const buttons = images.map((image, number) => {
      const button = make("button", { "aria-label": `Face ${number + 1} from the left` }, make("img", { src: image, alt: "" }));
      button.addEventListener("click", () => {
        chosen = number;
        dialog.close();
      });
      return button;
    });
    part("faces").replaceChildren(...buttons);
    dialog.addEventListener("close", () => resolve(chosen), { once: true });
    dialog.showModal();
  });
}
