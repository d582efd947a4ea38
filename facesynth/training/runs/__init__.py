"""What a training run is asked to do: frozen records that pipeline files fill in."""
