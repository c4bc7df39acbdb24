PYTHON ?= python3
BIN = .venv/bin

.PHONY: run test test-faults test-documents lint types audit lock screenshots docs \
	sketch-clip contact-sheet bench-newcomer bench-pages bench-decode bench-saliency

run: .venv/installed
	$(BIN)/python app.py

test: .venv/tools
	$(BIN)/python -m tests.browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not documents and not faults"

test-faults: .venv/tools
	$(BIN)/python -m tests.browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m faults

test-documents: .venv/tools
	$(BIN)/python -m tests.browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile -m documents

lint: .venv/tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/tools
	$(BIN)/mypy

audit: .venv/tools
	$(BIN)/bandit -q -c pyproject.toml -r ga2app app.py
	$(BIN)/python -m tools.audit_packages

lock: .venv/tools
	$(BIN)/python -m pip install -q uv
	$(BIN)/python -m tools.lock_requirements

screenshots: .venv/tools
	$(BIN)/python tests/screenshots.py --out assets/pictures

docs: .venv/tools
	$(BIN)/python tests/api_document.py

sketch-clip: .venv/tools
	$(BIN)/python -m tools.sketch_clip pretrain --out assets/sketch-clip --seed 0
	$(BIN)/python -m tools.sketch_clip hard-prompt --out assets/sketch-hard-prompt

contact-sheet: .venv/tools
	$(BIN)/python -m tools.sketch_clip contact-sheet --out assets/pictures/sketch_world.png

bench-newcomer: .venv/tools
	$(BIN)/python -m benchmarks.newcomer

bench-pages: .venv/tools
	$(BIN)/python -m benchmarks.page_scale

bench-decode: .venv/tools
	$(BIN)/python -m benchmarks.decode_clips $(CLIPS)

bench-saliency: .venv/tools
	$(BIN)/python -m benchmarks.saliency $(if $(BUNDLE),--bundle $(BUNDLE))

# First every package with its version and the hashes of its files, then torch: which build of it is the index's choice.
.venv/installed: requirements.txt requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d; name another one: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q -r requirements.txt
	touch $@

.venv/tools: tests/requirements.txt tests/requirements.lock requirements-mcp.txt requirements-onnx.txt requirements-trackers.txt .venv/installed
	$(BIN)/python -m pip install -q --require-hashes -r requirements.lock -r tests/requirements.lock
	$(BIN)/python -m pip install -q -r tests/requirements.txt
	touch $@
