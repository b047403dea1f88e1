"""The kinds of tasks, in one registry: a kind is one module here and one template, and a line in `KINDS`."""

from sayso.web.review.kinds import approval
from sayso.web.review.kinds.kind import Kinds

KINDS = Kinds(approval.KIND)
"""Every kind that can be decided on a card."""
