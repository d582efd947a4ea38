"""A request's body: read within its limits, and taken apart into fields."""
