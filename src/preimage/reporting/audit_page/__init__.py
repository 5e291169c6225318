"""The page of an audit: one HTML file that needs nothing else."""

from preimage.reporting.audit_page.page import write_page

__all__ = ["write_page"]
