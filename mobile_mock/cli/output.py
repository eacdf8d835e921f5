"""What a command prints: sentences and tables for a person, or one JSON object a line for a program."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mobile_mock.errors import PhoneError, Refused
from mobile_mock.plain import visible


class Output:
    """Where a command tells facts; nothing that a server wrote reaches the terminal as a control sequence."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def tell(self, fact: Mapping[str, Any], *lines: str) -> None:
        """Tell a fact: its members to a program, the lines to a person."""
        if self._as_json:
            print(json.dumps(fact), flush=True)
            return
        console = Console(highlight=False)
        for line in lines:
            console.print(Text(visible(line)), soft_wrap=True)

    def table(self, facts: list[dict[str, str]]) -> None:
        """Tell facts that have the same members: a line each, or a table."""
        if self._as_json:
            for fact in facts:
                self.tell(fact)
            return
        table = Table(*facts[0])
        for fact in facts:
            table.add_row(*(Text(visible(value)) for value in fact.values()))
        Console(highlight=False).print(table)

    def fault(self, fault: PhoneError) -> None:
        """Tell why nothing came of it: to a person on the error stream."""
        if self._as_json:
            server = {"status": fault.status, "reason": fault.reason} if isinstance(fault, Refused) else {}
            self.tell({"error": fault.code, "detail": str(fault), "exit": int(fault.exit), **server})
        else:
            Console(stderr=True, highlight=False).print(Text(visible(str(fault)), style="red"), soft_wrap=True)
