# make demo    the main job on real images that ship with scikit-image
# make test    every check; the same command that CI runs
# make test-slow  what of it takes long: clusters, examples, some pages of the docs
# make test-oldest     the suite on the lower bounds of setup.cfg
# make test-with WITH='"scikit-learn==1.7.*"' [PYTHON=python3.13] [EXTRAS=test]   on others
# make dist    a wheel and an archive of the sources in dist/, checked
# make docs    the pages in docs/, as docs/_build/html/index.html
# make links   whether the links of the pages lead somewhere; needs a network
# make benchmark   speed and accuracy against the peers (long; see benchmarks/__main__.py)
#
# Each target does its own set-up in .venv, once; a change of setup.cfg sets up again.

PYTHON ?= python3
BIN := .venv/bin
DEMO_READY := .venv/ready-onnx
TEST_READY := .venv/ready-dev
DOCS_READY := .venv/ready-docs

# What is compiled once is kept, whatever the shell says: tests start Python by the hundred.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test test-slow test-oldest test-with lint format dist docs links benchmark clean

demo: $(DEMO_READY)
	$(BIN)/imgfeat demo

# Two processes, each on one core; the tests of a file stay together, with what they share.
# In the order of their folders, short ones come last, and both processes end together.
test: lint
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slow: lint
	$(BIN)/python -m pytest -m slow

lint: $(TEST_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(TEST_READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Versions are tried in environments of their own, made anew each time. What old releases
# call that newer ones of other packages deprecate is not ours to mend.
EXTRAS ?= test,onnx,distributed,dask,heif,medical,audit,serve,parquet,remote
test-oldest:
	$(PYTHON) -m venv --clear .venv-oldest
	.venv-oldest/bin/python tests/oldest.py > .venv-oldest/constraints.txt
	.venv-oldest/bin/python -m pip install --quiet -c .venv-oldest/constraints.txt -e ".[$(EXTRAS)]"
	.venv-oldest/bin/python -m pytest -W ignore::DeprecationWarning

test-with:
	$(PYTHON) -m venv --clear .venv-with
	.venv-with/bin/python -m pip install --quiet -e ".[$(EXTRAS)]" $(WITH)
	.venv-with/bin/python -m pytest

# The demo runs from the wheel, in a folder where no other imgfeat is.
dist: $(DEMO_READY)
	rm -rf build dist
	$(BIN)/python -m pip install --quiet build twine
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/python .ci/check_dist.py dist
	$(BIN)/python -m pip install --quiet --no-deps --target build/from-wheel dist/*.whl
	cd build && PYTHONPATH=from-wheel ../$(BIN)/python -m imgfeat demo

# A warning is an error. The examples are run, nothing is fetched.
docs: $(DOCS_READY)
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

links: $(DOCS_READY)
	$(BIN)/sphinx-build --keep-going -D plot_gallery=0 -b linkcheck docs docs/_build/links

benchmark: test-slow
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.tables

$(BIN)/python:
	$(PYTHON) -c "import sys; assert sys.version_info >= (3, 11), 'imgfeat needs Python 3.11'"
	$(PYTHON) -m venv .venv

# The second set-up builds on the first, so that demo after test installs nothing. Of what
# is installed, only what is imported is ever compiled: a minute less.
$(TEST_READY): $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --no-compile -e ".[dev]"
	@touch $(TEST_READY) $(DEMO_READY)

$(DEMO_READY): $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --no-compile -e ".[onnx]"
	@touch $@

$(DOCS_READY): $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet -e ".[onnx,medical,docs]"
	@touch $@

clean:
	rm -rf .venv .venv-oldest .venv-with build dist *.egg-info .pytest_cache .ruff_cache .import_linter_cache .mypy_cache .hypothesis imgfeat-demo docs/_build docs/api docs/auto_examples
