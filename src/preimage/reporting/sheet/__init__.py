"""The sheet for a lecture: a photo beside what representations keep of it, on one page."""

from preimage.reporting.sheet.content import Sheet, gather
from preimage.reporting.sheet.writing import check_sheet, write_sheet

__all__ = ["Sheet", "check_sheet", "gather", "write_sheet"]
