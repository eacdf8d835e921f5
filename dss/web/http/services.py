"""What serves a request: the services that the application's lifespan opened."""

from starlette.requests import Request

from dss.wiring import Services


def services_of(request: Request) -> Services:
    """Return the services of the process."""
    services: Services = request.state.services
    return services
