"""The fixtures of the tests' world, known to every test."""

pytest_plugins = ["tests.world.databases", "tests.world.softhsm", "tests.world.world"]
