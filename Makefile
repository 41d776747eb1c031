# Thin aliases of Scripts/, which is what the README names: official Swift images have no make.
.PHONY: demo test check bench celery-suite chaos fuzz interop format

demo test check bench celery-suite chaos fuzz interop:
	Scripts/$@

format:
	swift format --in-place --parallel $$(git ls-files '*.swift')
