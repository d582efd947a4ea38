"""Other people's parsers, ONNX files: what is declared of them, what they say themselves, and running them."""
