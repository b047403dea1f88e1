"""The service: what stands behind the API, and the API itself."""
