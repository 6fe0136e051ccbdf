"""The contract for other teams, made from the declarations.

It is a JSON Schema of the event, and data contracts of event and report. These follow the Open Data Contract Standard
3.1 (bitol-io.github.io/open-data-contract-standard).
"""
