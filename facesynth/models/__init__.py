"""Networks as torch modules: numbers and tensors in, tensors out."""
