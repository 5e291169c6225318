"""The check that a user runs first: does a representation fit what preimage does with it?"""

from preimage.checking.check import check
from preimage.checking.report import Property, Report

__all__ = ["Property", "Report", "check"]
