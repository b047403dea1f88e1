"""HTTP as such, under the API and the pages: limits, deadlines, headers, problems, and who asks; no page, no `/v1`."""
