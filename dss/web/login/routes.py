"""The routes of signing in, and of the account."""

from starlette.routing import Route

from dss.web.login import account, factors, passwords, second, signin
from dss.web.pages.serving import page


def routes() -> list[Route]:
    """Return the routes: every change is a form of its own."""
    return [
        page("/signin", signin.show, signin.take_password),
        page("/signin/certificate", take=signin.take_certificate),
        page("/signin/forgot", passwords.show_forgotten, passwords.take_forgotten),
        page("/signin/password/{mac}", passwords.show_setting, passwords.take_setting),
        page("/signin/second", second.show),
        page("/signin/second/phone", take=second.ask_phone),
        page("/signin/second/code", take=second.take_code),
        page("/signin/second/passkey", take=second.take_passkey),
        page("/signin/second/events", second.events),
        page("/account", account.show),
        page("/account/sign-out", take=account.sign_out),
        page("/account/sessions/end", take=account.end_session),
        page("/account/sessions/end-others", take=account.end_others),
        page("/account/applications/end", take=account.revoke),
        page("/account/password", account.show_password, account.take_password),
        page("/account/authenticator", take=factors.begin_authenticator),
        page("/account/authenticator/code", take=factors.confirm_authenticator),
        page("/account/authenticator/remove", take=factors.remove_authenticator),
        page("/account/passkeys/new", factors.show_new_passkey, factors.add_passkey),
        page("/account/passkeys/remove", take=factors.remove_passkey),
    ]
