"""The residual networks of table 2 of the SPN paper: SNGAN's, BigGAN's conditional ones, and those with SPN."""
