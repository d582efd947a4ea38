"""What runs a network: `choice.build` makes an engine of a torch module, under every predictor. Imports no torch."""

ENGINE_NAMES = ("auto", "eager", "compile", "onnx", "openvino")
"""What `--engine` takes; `auto` is the fastest of the others that is here."""

CPU_ENGINES = ("onnx", "openvino")
"""Those that run on the CPU alone."""
