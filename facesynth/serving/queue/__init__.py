"""What waits to be computed: bounded, fair between clients, and handed out in batches."""
