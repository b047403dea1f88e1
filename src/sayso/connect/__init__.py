"""What reaches out of the process: identity providers, and later operations over HTTP and MCP."""
