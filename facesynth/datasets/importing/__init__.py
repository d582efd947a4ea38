"""Taking datasets in: what a layout says of itself, the engine that goes over it, its ledger and its report."""
