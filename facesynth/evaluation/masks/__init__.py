"""What SPN's self-latent masks find, drawn, and measured against the parsed face."""
