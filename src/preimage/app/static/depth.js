/* The depth slider of the network page. Gradio runs this text with `element`, `props` and `watch`.
   props.value is a list of places, from the photo to the last layer, each with a name, a heading,
   a line about its code, and pictures; it grows while they are computed. */
const find = (place) => element.querySelector(place);
const [dial, stops, pictures] = [find("input"), find("ol"), find(".pictures")];
let known = 0;

function make(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

function show() {
  const place = props.value[Number(dial.value)];
  find("output").textContent = place.name;
  dial.setAttribute("aria-valuetext", place.name);
  find("h3").textContent = place.heading;
  find(".words p").textContent = place.code;
  [...stops.children].forEach((item, number) =>
    item.firstChild.setAttribute("aria-pressed", String(number === Number(dial.value))));
  pictures.replaceChildren(...place.pictures.map((one) =>
    make("figure", {}, make("img", { src: one.source, alt: one.alt }),
      make("figcaption", { textContent: one.words }))));
}

function grow() {
  const places = props.value || [];
  find(".empty").hidden = places.length > 0;
  find(".walk").hidden = places.length === 0;
  const follows = places.length < known || Number(dial.value) >= known - 1;
  known = places.length;
  if (!known) return;
  dial.max = Math.max(1, known - 1);
  if (follows) dial.value = known - 1;
  stops.replaceChildren(...places.map((place, number) => {
    const button = make("button", { type: "button", textContent: place.name });
    button.addEventListener("click", () => { dial.value = number; show(); });
    return make("li", {}, button);
  }));
  show();
}

dial.addEventListener("input", show);
watch("value", grow);
grow();
