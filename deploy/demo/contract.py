"""The demo's own documents: a contract of one page, and many receipts."""

from datetime import date
from pathlib import Path

from fpdf import FPDF

TERMS = (
    (
        "1. Subject",
        "The lessor lets and the tenant takes the apartment at Linden Street 14, second floor, as a dwelling.",
    ),
    ("2. Term", "The lease runs for twelve months from the first day of the month after both have signed."),
    ("3. Rent", "The monthly rent is 640.00 euros, due on the fifth working day. The deposit is two months' rent."),
    ("4. Care", "The tenant keeps the apartment in good order and tells the lessor of damage within three days."),
    ("5. Form", "The parties sign this contract electronically. Each keeps the signed file."),
)


def write_contract(path: Path, signer: str) -> Path:
    """Write the contract, to be signed by this person, as a PDF; return where it is."""
    page = FPDF()
    page.set_title("Lease contract")
    page.add_page()
    page.set_font("helvetica", "B", 18)
    page.cell(0, 14, "Lease contract", new_x="LMARGIN", new_y="NEXT")
    page.set_font("helvetica", "", 11)
    page.multi_cell(
        0, 7, f"between Northern Homes, the lessor, and {signer}, the tenant.", new_x="LMARGIN", new_y="NEXT"
    )
    for title, text in TERMS:
        page.ln(4)
        page.set_font("helvetica", "B", 11)
        page.cell(0, 7, title, new_x="LMARGIN", new_y="NEXT")
        page.set_font("helvetica", "", 11)
        page.multi_cell(0, 7, text, new_x="LMARGIN", new_y="NEXT")
    page.ln(8)
    page.cell(0, 7, f"Drawn up on {date.today():%d %B %Y}.", new_x="LMARGIN", new_y="NEXT")  # noqa: DTZ011  a local date
    page.output(str(path))
    return path


def write_receipts(folder: Path, count: int, signer: str) -> list[Path]:
    """Write so many receipts, to be signed by this person, into a new folder; return where they are, in their order."""
    folder.mkdir()
    return [_write_receipt(folder / f"receipt-{number:03}.pdf", number, signer) for number in range(1, count + 1)]


def _write_receipt(path: Path, number: int, signer: str) -> Path:
    page = FPDF()
    page.set_title(f"Receipt {number}")
    page.add_page()
    page.set_font("helvetica", "", 11)
    page.cell(0, 14, f"Receipt {number}: {signer} received 2 keys to box {number} of Linden Street 14.")
    page.output(str(path))
    return path
