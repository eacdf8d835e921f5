"""The fixtures of the tests' world, known to every test; and property tests that draw the same samples every time."""

from hypothesis import settings

pytest_plugins = ["tests.world.databases", "tests.world.quick_pins", "tests.world.softhsm", "tests.world.world"]

settings.register_profile("seeded", derandomize=True, deadline=None)
settings.load_profile("seeded")
