"""What holds for every test."""

from hypothesis import settings

# A wall-clock limit on one example fails on a busy machine and nowhere else; pytest-timeout catches what hangs.
settings.register_profile("sayso", settings.get_profile("default"), deadline=None)
settings.load_profile("sayso")
