"""The appearance of the app: fonts of the system alone, and the style of pictures and curves."""

from __future__ import annotations

import gradio as gr

CSS = """
.gradio-container { max-width: 1320px !important; margin: 0 auto; }
.pictures { display: flex; flex-wrap: wrap; gap: 12px; }
.pictures figure, figure.curve { margin: 0; }
.pictures figure { flex: 1 1 180px; max-width: 360px; }
.pictures img { width: 100%; height: auto; display: block; border-radius: 4px; }
.preview { padding: 12px; background: var(--block-background-fill); }
.preview .pictures figure { max-width: 200px; }
figcaption { color: var(--body-text-color); font-size: 0.9rem; padding: 4px 0; }
.curve svg { width: 100%; height: auto; border: 1px solid var(--border-color-primary); }
.curve polyline { fill: none; stroke: var(--body-text-color); stroke-width: 1.5; }
button[role="tab"][aria-selected="true"], a.download-link, .cm-line, .cm-line span {
  color: var(--body-text-color) !important;
}
p.status, p.error { margin: 0; padding: 4px 0; color: var(--body-text-color); }
p.error { border-left: 4px solid var(--error-border-color, #b91c1c); padding-left: 8px; }
progress { width: 100%; height: 10px; appearance: none; border: 0; }
progress, progress::-webkit-progress-bar {
  background: var(--border-color-primary); border-radius: 5px; overflow: hidden;
}
progress::-webkit-progress-value { background: var(--color-accent); }
progress::-moz-progress-bar { background: var(--color-accent); }
.pending { opacity: 1 !important; }
"""
"""The style sheet, added to Gradio's own."""


def make_theme() -> gr.themes.Base:
    """Return the theme: no font is fetched, and all words can be read."""
    theme = gr.themes.Base(
        font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )
    return theme.set(
        block_info_text_color="*neutral_600", block_info_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_300",
        block_label_text_color="*neutral_700", block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_700", block_title_text_color_dark="*neutral_200",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
    )  # fmt: skip
