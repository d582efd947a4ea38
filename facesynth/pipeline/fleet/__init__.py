"""Other processes that compute what is missing, on this machine or on others, over one shared store."""
