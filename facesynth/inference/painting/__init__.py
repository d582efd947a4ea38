"""What runs a generator: engines that paint from the rows of label patterns, under `Synthesizer`; and their export."""
