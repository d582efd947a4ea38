"""One family of normalisations, `y = (1 + γ)·x̂ + β`: they differ in what x̂ is and in where γ and β come from."""
