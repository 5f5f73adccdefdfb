"""What a learner uses: run, start, check, show, watch, notebook, mongo, now."""
