"""What training a parser takes beside the loop: its step, losses, teacher, critic, and the faces without labels."""
