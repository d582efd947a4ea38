"""The published layouts of the field's datasets: what lies where, and how a face becomes a row of the manifest."""
