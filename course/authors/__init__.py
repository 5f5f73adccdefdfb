"""What the authors use: weave, the index for the reader of the notes, the test suite."""
