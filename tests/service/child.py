"""`sayso` with the routes that only tests need: `python -m tests.service.child serve ...`."""

from sayso.app import serving
from sayso.cli import main
from tests.service.serving import routes

serving.routers = lambda: [routes]
main()
