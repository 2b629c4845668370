"""
Onboarding of message types: proves that a type's folder holds what it promises.

Knows files, XSDs and the one function that judges; knows no broker, and writes nothing.
"""

from nsw.onboarding.checking import Surroundings, check_folders
from nsw.onboarding.problems import Problem

__all__ = ["Problem", "Surroundings", "check_folders"]
