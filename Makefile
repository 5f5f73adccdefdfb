# A thin face over `python -m course`, which does the work. `make` alone prints the table.
# Once set up, .venv's own Python runs: a python3 may take its time to find out which one it is (pyenv).
MAKEFLAGS += --no-builtin-rules
PYTHON ?= $(shell test -e .venv/course.json && test -x .venv/bin/python && echo .venv/bin/python || echo python3)
COURSE = @$(PYTHON) -m course
OF_A_CHAPTER = chapter notebook start run check watch hint diff reset

help:
	$(COURSE)

$(OF_A_CHAPTER:=-%):
	$(COURSE) $(subst -, ,$@)

$(OF_A_CHAPTER) $(OF_A_CHAPTER:=-):
	@echo "Which chapter? For example: make $(subst -,,$@)-1" >&2; exit 2

setup setup-all mongo progress test weave bench site shelf slow lint:
	$(COURSE) $@

now:
	$(COURSE) now -- "$(NAME)"

grade:
	$(COURSE) grade -- "$(FOLDER)"

# For authors: write constraints.txt with the newest versions (or RESOLUTION=lowest-direct), of all or of one: PACKAGE=tornado.
RESOLUTION ?= highest
UV ?= $(shell command -v uv || echo .venv/bin/uv)
pins:
	"$(UV)" pip compile pyproject.toml --universal --python-version 3.11 --resolution $(RESOLUTION) --quiet \
	  $(if $(PACKAGE),--upgrade-package $(PACKAGE),--upgrade) \
	  --no-header --no-annotate --no-emit-index-url --output-file constraints.txt \
	  $(foreach group,bootstrap runtime check mongo notebook test bench site,--group $(group))

.PHONY: help pins setup setup-all mongo progress test now grade weave bench site shelf slow lint $(OF_A_CHAPTER) $(OF_A_CHAPTER:=-)
