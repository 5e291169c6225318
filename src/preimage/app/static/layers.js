/* The table of layers: a button in each row chooses its layer. Gradio runs this text with
   `element` and `trigger`. */
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-layer]");
  if (button) trigger("select", { layer: button.dataset.layer });
});
