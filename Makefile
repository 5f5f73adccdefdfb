# A thin face over `python -m course`, which does the work. `make` alone prints the table.
PYTHON ?= python3
COURSE = @$(PYTHON) -m course

help:
	$(COURSE)

chapter-% notebook-% start-% check-% watch-% hint-% diff-% reset-%:
	$(COURSE) $(subst -, ,$@)

setup setup-all mongo progress test test-notebooks weave claims bench mutants:
	$(COURSE) $@

now:
	$(COURSE) now "$(NAME)"

.PHONY: help setup setup-all mongo progress test test-notebooks weave claims bench mutants now
