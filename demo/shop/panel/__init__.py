"""The panel: a small page to hurt the shop and to watch it."""
