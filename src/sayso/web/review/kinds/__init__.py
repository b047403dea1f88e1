"""The kinds of tasks, in one registry: a kind is one module here and one template, and a name in `KINDS`."""

from sayso.web.review.kinds import (
    approval,
    error,
    external,
    form,
    multi_option,
    number,
    output_review,
    route,
    text,
    uncertain,
)
from sayso.web.review.kinds.kind import Kinds

KINDS = Kinds(
    approval.KIND,
    error.KIND,
    external.KIND,
    form.KIND,
    multi_option.KIND,
    number.KIND,
    output_review.KIND,
    route.KIND,
    text.KIND,
    uncertain.KIND,
)
"""Every kind that can be decided on a card."""
