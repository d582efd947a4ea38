"""What each command does with a folder: stages in a row, their results in the output tree, a row of the report each."""
