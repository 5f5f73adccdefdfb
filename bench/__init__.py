"""What the notes claim about speed, measured: `make bench`, or `make bench QUICK=1`. The results are in results.md."""
