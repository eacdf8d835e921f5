"""Every kind of sealed rows that there is."""

from dss.audit.kinds import by_name
from dss.login import kinds as of_login
from dss.oauth import kinds as of_oauth
from dss.transactions import kinds as of_transactions

KINDS = by_name(of_transactions.KINDS, of_login.KINDS, of_oauth.KINDS)
