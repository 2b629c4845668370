"""
Business rules as ISO Schematron with XPath 1.0: a rule file is loaded once, and documents are judged by it.

Tree in, findings out. Knows no message type and no clock: the lodging date and the code lists come with each call.
"""

from nsw.rules.context import NSW_FUNCTIONS, RuleContext, RuleEntry, RuleReport
from nsw.rules.engine import RuleSet
from nsw.rules.loader import load_rule_set
from nsw.rules.own import OWN_FUNCTIONS_TABLE, OwnFunction
from nsw.rules.xpath import prefixes_of

__all__ = [
    "NSW_FUNCTIONS",
    "OWN_FUNCTIONS_TABLE",
    "OwnFunction",
    "RuleContext",
    "RuleEntry",
    "RuleReport",
    "RuleSet",
    "load_rule_set",
    "prefixes_of",
]
