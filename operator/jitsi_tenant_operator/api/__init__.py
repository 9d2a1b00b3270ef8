"""The custom resources as typed models: the one source of the CRDs, of parsing and of their reference pages."""
