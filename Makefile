# Each target is what a person would type. The virtual environment is made on the first use.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin

# PyTorch is pinned because a plain "torch" brings gigabytes of CUDA.
TORCH      ?= torch==2.13.0
TORCHRECURRENT = torchrecurrent==0.2.5
PLAYWRIGHT = playwright==1.65.2
CELL_TESTS  = tests/test_cells.py tests/test_layers.py tests/test_named_layers.py tests/test_wrappers.py \
              tests/test_stacks.py tests/test_tbptt.py tests/test_engine.py tests/test_generate.py tests/test_feedback.py \
              tests/test_attention.py tests/test_keep.py tests/test_engine_torch.py
# Side by side, and anew for each half of the tests: XLA never gives back what it compiled for a test, so one process for all
# would grow large, and come to the system's limit of memory maps. Each computes on one core: the processes share two.
PYTEST      = TF_NUM_INTRAOP_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --durations=25 --durations-min=5

.PHONY: help demo test lint backends sktime sktime-tests page page-tests notebooks bench clean

help:
	@echo "make demo       forecast 24 hours of solar irradiance with a pretrained network"
	@echo "make test       run the tests"
	@echo "make lint       check the style"
	@echo "make backends   run the tests of cells and layers under JAX and PyTorch"
	@echo "make sktime     run the tests of the forecaster for sktime"
	@echo "make page       run the tests of the page of zoo demo in a browser (chromium, which must be installed)"
	@echo "make notebooks  run every notebook, small (those that need data which are not there are skipped)"
	@echo "make bench      run the benchmarks (long; the machine should be idle)"

demo: $(VENV)/.installed
	$(BIN)/zoo forecast

# In parts, each with processes of its own: see PYTEST. The bundles first, whose scores are long computations: compiled with
# care, where all else is compiled in haste (conftest.py), and shared out one by one.
test: $(VENV)/.installed-test
	XLA_FLAGS= $(PYTEST) --dist load tests/test_bundles.py
	$(PYTEST) --deselect tests/test_bundles.py tests/test_[a-f]*.py
	$(PYTEST) tests/test_[g-z]*.py

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .

backends: $(VENV)/.installed-backends
	KERAS_BACKEND=jax   $(PYTEST) $(CELL_TESTS) tests/test_carried.py tests/test_language_model.py
	KERAS_BACKEND=torch OMP_NUM_THREADS=1 $(PYTEST) $(CELL_TESTS) tests/test_carried.py tests/test_language_model.py \
	    tests/test_classifier.py
	$(BIN)/python -m pytest tests/test_convert_torch.py

# In an environment of its own, $(VENV)-sktime, because sktime needs an older pandas.
sktime:
	$(MAKE) VENV=$(VENV)-sktime sktime-tests

sktime-tests: $(VENV)/.installed-sktime
	$(BIN)/python -m pytest tests/test_sktime.py tests/test_forecaster.py tests/test_readme.py

# In an environment of its own, $(VENV)-page: gradio and the driver of the browser bring much that nothing else needs.
page:
	$(MAKE) VENV=$(VENV)-page page-tests

page-tests: $(VENV)/.installed-page
	$(BIN)/python -m pytest -rs tests/test_demo.py tests/test_demo_page.py

notebooks: $(VENV)/.installed-test
	ZOO_FAST=1 $(PYTEST) -rs --nbmake notebooks

bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks.narx --out benchmarks/results/narx.md
	$(BIN)/python -m benchmarks.evolve --out benchmarks/results/evolve.md
	$(BIN)/python -m benchmarks.gaps --out benchmarks/results/gaps.md
	$(BIN)/python -m benchmarks.arithmetic --out benchmarks/results/arithmetic.md
	$(BIN)/python benchmarks/generation.py --out benchmarks/results/generation.md
	$(BIN)/python benchmarks/language.py --out benchmarks/results/language.md
	$(BIN)/python benchmarks/language_cells.py --out benchmarks/results/language_cells.md
	$(BIN)/python benchmarks/first_step.py --out benchmarks/results/first_step.md
	$(BIN)/python benchmarks/speed.py

clean:
	rm -rf $(VENV) $(VENV)-sktime $(VENV)-page

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "zoo needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python setup.cfg
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed setup.cfg
	$(BIN)/python -m pip install --quiet -e ".[test]"
	@touch $@

$(VENV)/.installed-sktime: $(BIN)/python setup.cfg
	$(BIN)/python -m pip install --quiet -e ".[test,sktime]"
	@touch $@

$(VENV)/.installed-page: $(BIN)/python setup.cfg
	$(BIN)/python -m pip install --quiet -e ".[test,demo]" $(PLAYWRIGHT)
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed setup.cfg
	$(BIN)/python -m pip install --quiet "$(TORCH)" $(TORCHRECURRENT)
	@touch $@

$(VENV)/.installed-backends: $(VENV)/.installed-test setup.cfg
	$(BIN)/python -m pip install --quiet "$(TORCH)" jax
	@touch $@
