"""How well label maps agree with the true ones: scores, protocol, pictures and pages."""
