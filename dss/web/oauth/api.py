"""/oauth: the endpoints for programs, each in a module of its own."""

from dss.web.http.op import Protocol
from dss.web.oauth.discovery import authorization_server, jwks
from dss.web.oauth.introspect import introspect
from dss.web.oauth.par import push_request
from dss.web.oauth.problems import OAUTH_ERRORS
from dss.web.oauth.revoke import revoke
from dss.web.oauth.token import token

OAUTH = Protocol("oauth", (push_request, token, revoke, introspect, authorization_server, jwks), errors=OAUTH_ERRORS)
