"""What training a SPADE generator takes beside the loop: step, batches, discriminators, and how it is judged."""
