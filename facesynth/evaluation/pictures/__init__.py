"""Pictures scored: generated against real, repainted faces against their photos and label maps."""
