"""The API as it describes itself: schemas, operations with examples, and a page that shows them."""
