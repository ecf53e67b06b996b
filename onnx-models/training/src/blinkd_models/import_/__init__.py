"""Brings networks of other packages into bundles: published DECODE weights, LiteLoc weights, any fitting ONNX graph.

Comes in: weights and the parameter file of their training. Goes out: a bundle.
Never: runs code from a file, or guesses what neither weights nor parameters say.
"""
