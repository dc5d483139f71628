"""zoo inside other libraries: one module for each, imported by its name, so that none is needed but the one that is used."""
