.PHONY: install build lint test demo chaos bench up down clean
.DEFAULT_GOAL := help

help:            ## what each verb does
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/'

node_modules: package-lock.json
	npm ci --no-audit --no-fund && touch node_modules

install: node_modules  ## installs the packages of package-lock.json

build: node_modules    ## compiles to dist/
	npm run --silent build

lint: build            ## eslint (with the layer rules) and prettier
	npm run --silent lint

test: node_modules     ## installs what it needs, then lint, type check and every test
	@node scripts/test.mjs

chaos: build           ## the full seeded chaos runs (SEED=n FAULTS=n ONLY=name)
	@node dist/test/chaos/main.js $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS)) $(if $(ONLY),--only $(ONLY))

bench: build           ## every benchmark (ONLY=name for one)
	@node dist/bench/main.js $(ONLY)

demo: build            ## stack up, sources filled, gold computed and compared with the exact answer
	@node dist/src/cli/main.js demo

up: build              ## starts the embedded stack
	@node dist/src/cli/main.js up

down: build            ## stops the embedded stack
	@node dist/src/cli/main.js down

clean:                 ## removes what the build made
	rm -rf dist
