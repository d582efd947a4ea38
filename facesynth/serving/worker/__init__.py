"""The process that computes: what it is asked, what it does, and how the server holds on to it."""
