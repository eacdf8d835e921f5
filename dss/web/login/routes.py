"""The routes of signing in, and of the account."""

from starlette.routing import Route

from dss.web.login import account, factors, passwords, second, signin
from dss.web.pages.local import ACCOUNT
from dss.web.pages.serving import page


def routes() -> list[Route]:
    """Return the routes: every change is a form of its own."""
    second_step, authenticator = "/signin/second", "/account/authenticator"
    return [
        page("/signin", signin.show, signin.take_password),
        page("/signin/certificate", take=signin.take_certificate, of="/signin"),
        page("/signin/forgot", passwords.show_forgotten, passwords.take_forgotten),
        page("/signin/password/{mac}", passwords.show_setting, passwords.take_setting),
        page(second_step, second.show),
        page(f"{second_step}/phone", take=second.ask_phone, of=second_step),
        page(f"{second_step}/code", take=second.take_code, of=second_step),
        page(f"{second_step}/passkey", take=second.take_passkey, of=second_step),
        page(f"{second_step}/events", second.events, of=second_step),
        page(ACCOUNT, account.show),
        page("/account/sign-out", take=account.sign_out, of=ACCOUNT),
        page("/account/sessions/end", take=account.end_session, of=ACCOUNT),
        page("/account/sessions/end-others", take=account.end_others, of=ACCOUNT),
        page("/account/applications/end", take=account.revoke, of=ACCOUNT),
        page("/account/password", account.show_password, account.take_password),
        page(authenticator, factors.show_authenticator, factors.begin_authenticator),
        page(f"{authenticator}/code", take=factors.confirm_authenticator, of=authenticator),
        page(f"{authenticator}/remove", take=factors.remove_authenticator, of=ACCOUNT),
        page("/account/passkeys/new", factors.show_new_passkey, factors.add_passkey),
        page("/account/passkeys/remove", take=factors.remove_passkey, of=ACCOUNT),
    ]
