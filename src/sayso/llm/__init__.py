"""Model providers, through one adapter; imported only when a model is first asked."""
