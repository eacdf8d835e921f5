"""`python -m mobile_mock`."""

from mobile_mock.main import app

app(prog_name="mobile-mock")
