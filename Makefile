# A thin face over `python -m course`, which does the work. `make` alone prints the table.
# What is set up goes on with .venv's own Python: a python3 may take its time to find out which one it is (pyenv).
PYTHON ?= $(shell test -e .venv/course.json && test -x .venv/bin/python && echo .venv/bin/python || echo python3)
COURSE = @$(PYTHON) -m course

help:
	$(COURSE)

chapter-% notebook-% start-% check-% watch-% hint-% diff-% reset-%:
	$(COURSE) $(subst -, ,$@)

setup setup-all mongo progress test test-notebooks weave claims bench shelf mutants:
	$(COURSE) $@

now:
	$(COURSE) now -- "$(NAME)"

.PHONY: help pins setup setup-all mongo progress test test-notebooks weave claims bench shelf mutants now

# For authors: write constraints.txt anew, with the newest versions, or with RESOLUTION=lowest-direct the oldest.
RESOLUTION ?= highest
pins:
	uv pip compile pyproject.toml --universal --python-version 3.11 --resolution $(RESOLUTION) --upgrade --quiet \
	  --no-header --no-annotate --no-emit-index-url --output-file constraints.txt \
	  $(foreach group,bootstrap runtime check mongo notebook test bench,--group $(group))
