"""The verifier's parts: the shapes of bundles, trust roots, the numbered check, and one module for each form of claim."""
