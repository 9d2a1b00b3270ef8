"""The custom resources as typed models: the one source of CRDs, parsing and reference pages."""
