# Thin aliases of Scripts/, which is what the README names: official Swift images have no make.
.PHONY: demo test check bench format

demo test check bench:
	Scripts/$@

format:
	swift format --in-place --parallel $$(git ls-files '*.swift')
