"""Training of residual generators without label maps (Yeo et al., arXiv 2201.10725)."""
